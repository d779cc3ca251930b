//! Nodes that are killed and frozen all the time: guards that every job ends, that a recorded step does not run again and
//! is what every later step sees, that no step begins before the one before it is recorded, that a writer without the
//! lease changes nothing, and that a crash spends no attempt.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use vtask::{Client, HistoryEvent, JobContext, Status, job};

use super::Part;
use super::diary::Diary;
use super::dice::{Dice, nonce};
use crate::database::{Raw, TestDatabase, on_each_database};
use crate::process::Running;

const JOBS: u32 = 300;
const STEPS: usize = 5;

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Route {
    #[context(keyword)]
    number: u32,
}

/// Each attempt writes down its process, a number of its own, which is also what its step returns, and those that it was given.
struct Walk {
    diary: Diary,
}

impl Walk {
    async fn pass(&self, route: &Route, step: usize, given: &[&u64]) -> anyhow::Result<u64> {
        let own = nonce();
        let given: String = given.iter().map(|number| format!(" {number}")).collect();
        self.diary.add(&format!("{} {} {step} {own}{given}", std::process::id(), route.number));
        sleep(Duration::from_millis(10 + own % 150)).await;
        Ok(own)
    }
}

#[job]
impl Walk {
    #[step]
    async fn one(&self, route: &Route) -> anyhow::Result<u64> {
        self.pass(route, 1, &[]).await
    }

    #[step]
    async fn two(&self, route: &Route, one: &u64) -> anyhow::Result<u64> {
        self.pass(route, 2, &[one]).await
    }

    #[step]
    async fn three(&self, route: &Route, one: &u64, two: &u64) -> anyhow::Result<u64> {
        self.pass(route, 3, &[one, two]).await
    }

    #[step]
    async fn four(&self, route: &Route, one: &u64, two: &u64, three: &u64) -> anyhow::Result<u64> {
        self.pass(route, 4, &[one, two, three]).await
    }

    #[step]
    async fn five(&self, route: &Route, one: &u64, two: &u64, three: &u64, four: &u64) -> anyhow::Result<u64> {
        self.pass(route, 5, &[one, two, three, four]).await
    }

    #[on_success]
    async fn arrive(
        &self,
        route: &Route,
        one: &u64,
        two: &u64,
        three: &u64,
        four: &u64,
        five: &u64,
    ) -> anyhow::Result<()> {
        self.pass(route, 6, &[one, two, three, four, five]).await.map(drop)
    }
}

pub(super) async fn work(part: Part) {
    let diary = part.diary.clone();
    part.work(Walk { diary }, |center| center.lease(Duration::from_secs(5)).concurrency(16)).await;
}

/// Three nodes, and what strikes them.
struct Fleet<'a> {
    database: &'a TestDatabase,
    diary: &'a Diary,
    dice: Dice,
    nodes: Vec<(String, Running)>,
    strikes: u32,
    /// Those that were replaced while they stood still, and at which strike.
    frozen: Vec<(u32, Running)>,
    /// The processes that were ever frozen.
    stale: BTreeSet<u32>,
}

/// So many strikes after it was frozen, a process goes on; after as many more it is killed.
const PAUSE: u32 = 5;

impl<'a> Fleet<'a> {
    fn new(database: &'a TestDatabase, diary: &'a Diary) -> Self {
        let (nodes, frozen, stale) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut fleet = Self { database, diary, dice: Dice::new(), nodes, strikes: 0, frozen, stale };
        for number in 0..3 {
            fleet.add(format!("node-{number}"));
        }
        fleet
    }

    fn add(&mut self, host: String) {
        let running = Running::new(super::node("fire", &host, self.database, self.diary));
        self.nodes.push((host, running));
    }

    /// Kills or freezes a node and starts it again at once, mostly under the same name.
    async fn strike(&mut self, raw: &Raw) {
        self.strikes += 1;
        let node = self.dice.index(self.nodes.len());
        let (host, mut running) = self.nodes.swap_remove(node);
        assert_eq!(running.ended(), None, "{host} has ended by itself");
        if self.dice.below(4) > 0 {
            running.kill();
            let moves = self.dice.below(10) == 0;
            self.add(if moves { format!("node-{node}-{}", self.strikes) } else { host });
        } else {
            super::freeze(&mut running, raw).await;
            self.stale.insert(running.id());
            self.frozen.push((self.strikes, running));
            self.add(host);
        }
        self.thaw();
    }

    /// Lets those go on that stood still for some time.
    fn thaw(&mut self) {
        let now = self.strikes;
        let thaws = self.frozen.iter().filter(|(since, _)| now - since == PAUSE);
        thaws.for_each(|(_, running)| running.signal("CONT"));
        self.frozen.retain(|(since, _)| now - since < 2 * PAUSE);
    }

    async fn wait(&mut self, least: u64, most: u64) {
        sleep(Duration::from_millis(least + self.dice.below(most - least))).await;
    }
}

/// An attempt, as it wrote itself down.
#[derive(Debug)]
struct Attempt {
    process: u32,
    job: u32,
    step: usize,
    own: u64,
    given: Vec<u64>,
}

impl Attempt {
    fn read(line: &str) -> Self {
        let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
        let number = |index: usize| u32::try_from(numbers[index]).unwrap();
        let (process, job, step) = (number(0), number(1), usize::try_from(numbers[2]).unwrap());
        Self { process, job, step, own: numbers[3], given: numbers[4..].to_vec() }
    }
}

/// Checks the attempts of one job, in the order in which they began, against what was recorded in the end.
///
/// A process that learnt of its record just before it was frozen begins the next step when it thaws, whatever its
/// replacement has done meanwhile; it cannot record that.
fn check_attempts(attempts: &[Attempt], recorded: &[u64], stale: &BTreeSet<u32>) {
    let (mut latest, mut seen) = (0, Vec::new());
    for attempt in attempts {
        assert!(
            attempt.step >= latest || stale.contains(&attempt.process),
            "a step ran again after a later one had begun: {attempts:#?}"
        );
        assert!(attempt.step <= latest + 1, "a step was left out: {attempts:#?}");
        assert_eq!(attempt.given, recorded[..attempt.step - 1], "it was given what is not recorded: {attempts:#?}");
        latest = latest.max(attempt.step);
        seen.push((attempt.step, attempt.own));
    }
    assert_eq!(latest, STEPS + 1, "its end was not called back: {attempts:#?}");
    for (index, output) in recorded.iter().enumerate() {
        assert!(seen.contains(&(index + 1, *output)), "nobody has returned {output}: {attempts:#?}");
    }
}

/// Checks the row of a job, and answers what its steps have returned.
async fn check_row(client: &Client, number: u32) -> (Vec<u64>, usize) {
    let run = WalkHandle::new(client).find(&format!("walk/{number}")).await.unwrap().expect("it is saved");
    let info = run.info().await.unwrap();
    let count = |event| info.history.iter().filter(|entry| entry.event == event).count();
    assert_eq!((info.status, info.is_held, info.step_number), (Status::Succeeded, false, 6), "{info:#?}");
    assert_eq!(
        (count(HistoryEvent::Recorded), count(HistoryEvent::Failed), count(HistoryEvent::CalledBack)),
        (STEPS, 0, 1),
        "{info:#?}"
    );
    let WalkContext { one, two, three, four, five, .. } = run.context().await.unwrap();
    let outputs = [one, two, three, four, five].map(|output| output.expect("it is recorded"));
    (outputs.to_vec(), count(HistoryEvent::Crashed))
}

on_each_database! {
    async fn every_job_of_a_fleet_under_fire_ends_once(database) {
        let (client, diary, raw) = (database.client().await, Diary::new(), database.raw().await);
        let (mut fleet, begun) = (Fleet::new(&database, &diary), Instant::now());
        for number in 0..JOBS {
            WalkHandle::new(&client).invoke(Route { number }).await.unwrap();
            if number % 5 == 0 {
                fleet.wait(30, 300).await;
                fleet.strike(&raw).await;
            }
        }
        let invoked = begun.elapsed();
        // From now on a node lives long enough to see that another one is dead.
        while raw.number("SELECT count(*) FROM task WHERE work = 1").await > 0 {
            assert!(begun.elapsed() < Duration::from_secs(180), "some jobs do not end");
            fleet.wait(1500, 4000).await;
            fleet.strike(&raw).await;
        }
        let mut attempts: BTreeMap<u32, Vec<Attempt>> = BTreeMap::new();
        for attempt in diary.lines().iter().map(|line| Attempt::read(line)) {
            attempts.entry(attempt.job).or_default().push(attempt);
        }
        let mut crashes = 0;
        for number in 0..JOBS {
            let (recorded, crashed) = check_row(&client, number).await;
            check_attempts(&attempts[&number], &recorded, &fleet.stale);
            crashes += crashed;
        }
        println!("{} strikes, {crashes} crashes, {invoked:?} and {:?}", fleet.strikes, begun.elapsed());
        assert!(crashes > 20, "only {crashes} steps were struck");
    }
}
