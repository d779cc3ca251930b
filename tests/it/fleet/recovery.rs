//! How long it takes until jobs go on after a fault.
//!
//! `tests/recovery` makes many trials of each and shows how their times spread; here each fault is tried once a database.

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::QueryResult;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use vtask::Client;

use super::diary::Diary;
use super::proxy::Proxy;
use super::work::Work;
use super::{eventually, number, storm};
use crate::database::{Kind, Raw, TestDatabase, on_each_database};
use crate::process::Running;

/// So many are tried at a time.
const AT_ONCE: usize = 6;
/// Nothing takes as long: a lease of 5 s, and what others need to be sure.
const LONGEST: Duration = Duration::from_secs(60);

/// What befalls a node, or its way to the server. What befalls the server itself is in `reboot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// SIGKILL; another node takes over.
    Killed,
    /// SIGKILL; a process of the same host starts at once.
    KilledAndStarted,
    /// SIGTERM; it hands over.
    Told,
    /// SIGSTOP; another node takes over.
    Frozen,
    /// The connections break, and the server can be reached again after 2 s.
    ServerAway,
    /// The connections break, and the server is at a second address.
    ServerElsewhere,
}

impl Fault {
    fn all(kind: Kind) -> &'static [Self] {
        const OF_NODES: [Fault; 4] = [Fault::Killed, Fault::KilledAndStarted, Fault::Told, Fault::Frozen];
        const OF_ALL: [Fault; 6] = [
            Fault::Killed,
            Fault::KilledAndStarted,
            Fault::Told,
            Fault::Frozen,
            Fault::ServerAway,
            Fault::ServerElsewhere,
        ];
        if kind == Kind::Sqlite { &OF_NODES } else { &OF_ALL }
    }

    /// Has it happen in a database of its own, and answers how long it took until jobs went on.
    async fn strike(self, kind: Kind) -> Duration {
        let database = TestDatabase::scratch(kind).await;
        let took = match self {
            Self::ServerAway | Self::ServerElsewhere => self.strike_server(&database).await,
            _ => self.strike_node(&database).await,
        };
        database.drop().await;
        took
    }

    async fn strike_server(self, database: &TestDatabase) -> Duration {
        let (mut first, second) = (Proxy::before(database).await, Proxy::before(database).await);
        let is_away = self == Self::ServerAway;
        let url = if is_away { first.url().to_owned() } else { first.url_with(&second) };
        let work = Work::begun(database, &url).await;
        first.close();
        if is_away {
            sleep(Duration::from_secs(2)).await;
            first.open().await;
        }
        work.resumed(work.recorded().await).await
    }

    async fn strike_node(self, database: &TestDatabase) -> Duration {
        let (client, raw, diary) = (database.client().await, database.raw().await, Diary::new());
        let start = |host| {
            let mut node = Running::new(super::node("storm", host, database, &diary));
            node.until("ready");
            node
        };
        let mut struck = start("one");
        let _other = (self != Self::KilledAndStarted).then(|| start("two"));
        let held = held(&client, &raw).await;
        let (mut again, began) = (None, Instant::now());
        match self {
            Self::Killed => drop(struck.kill()),
            Self::KilledAndStarted => {
                struck.kill();
                again = Some(start("one"));
            }
            Self::Told => struck.signal("TERM"),
            _ => super::freeze(&mut struck, &raw).await,
        }
        eventually("all that it held has gone on", || async { rows(&raw, &held).await.is_empty() }).await;
        drop(again);
        began.elapsed()
    }
}

/// The steps of the jobs that the first node has in its hands, which are some.
async fn held(client: &Client, raw: &Raw) -> BTreeMap<i64, i32> {
    for number in 0.. {
        storm::invoke(client, number).await;
        let held = raw.all("SELECT id, step FROM task WHERE work = 1 AND boot <> 0 AND host = 'one'").await;
        if held.len() >= 2 {
            return held.iter().map(read).collect();
        }
        sleep(Duration::from_millis(20)).await;
    }
    unreachable!("numbers do not end")
}

/// Those of them that are still where they were.
async fn rows(raw: &Raw, held: &BTreeMap<i64, i32>) -> Vec<i64> {
    let ids: Vec<String> = held.keys().map(ToString::to_string).collect();
    let rows = raw.all(&format!("SELECT id, step FROM task WHERE work = 1 AND id IN ({})", ids.join(", "))).await;
    rows.iter().map(read).filter(|(id, step)| held[id] == *step).map(|(id, _)| id).collect()
}

fn read(row: &QueryResult) -> (i64, i32) {
    (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
}

/// The value below which so many of a hundred are.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() * percent).div_ceil(100) - 1]
}

/// Shows how the times of a fault spread, none of which is as long as this.
pub(super) fn report(fault: &str, times: &mut [Duration], limit: Duration) {
    times.sort();
    let (half, most) = (percentile(times, 50), percentile(times, 99));
    println!("{fault}: p50 {half:.2?}, p99 {most:.2?} of {} trials", times.len());
    assert!(times.iter().all(|took| *took < limit), "{fault}: {most:?}");
}

/// How often each is tried, and otherwise so often.
pub(super) fn trials(otherwise: usize) -> usize {
    number("VTASK_RECOVERY_TRIALS").map_or(otherwise, |trials| trials as usize)
}

on_each_database! {
    async fn jobs_go_on_soon_after_each_fault(database) {
        let kind = database.kind();
        let only = std::env::var("VTASK_RECOVERY_FAULT").ok();
        let chosen = Fault::all(kind).iter().filter(|fault| only.as_ref().is_none_or(|only| *only == format!("{fault:?}")));
        let mut left: Vec<Fault> = chosen.flat_map(|fault| vec![*fault; trials(1)]).collect();
        assert!(!left.is_empty(), "of the faults {:?} none is called {only:?}", Fault::all(kind));
        let (mut trying, mut times) = (JoinSet::new(), BTreeMap::<Fault, Vec<Duration>>::new());
        while !left.is_empty() || !trying.is_empty() {
            while trying.len() < AT_ONCE {
                let Some(fault) = left.pop() else { break };
                trying.spawn(async move { (fault, fault.strike(kind).await) });
            }
            let (fault, took) = trying.join_next().await.expect("one is tried").expect("it does not panic");
            let all = times.entry(fault).or_default();
            all.push(took);
            if all.len() == trials(1) {
                report(&format!("{fault:?}"), all, LONGEST);
            }
        }
    }
}
