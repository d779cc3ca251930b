//! Writes that the storage refuses.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::time::{sleep, timeout};
use vtask::{Attempt, Client, InvokeError, Status, StorageError, job};

use crate::database::{Kind, Raw, TestDatabase, on_each_database, on_server};
use crate::hooked::{Fault, Hooked, faulty};
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle, Thanks, ThanksHandle};
use crate::log::Log;
use crate::setup::{center, start};

const LONG: Duration = Duration::from_secs(30);

/// A storage that refuses one write, by its number from 1.
fn refuses_write(refused: u32) -> Hooked {
    let mut writes = 0;
    faulty(move |name| {
        writes += u32::from(name == "write");
        (name == "write" && writes == refused).then_some(Fault::Refuse)
    })
}

#[tokio::test(start_paused = true)]
async fn refused_write_of_a_callback_gives_it_up_and_keeps_the_outcome() {
    let (client, job) = (Client::with_seed(refuses_write(2), 1), Thanks::default());
    let _center = start(&client, job.clone()).await;
    let run = ThanksHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 1);
    sleep(Duration::from_secs(60)).await;
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.is_held), (Status::Succeeded, false), "{:?}", info.error);
    assert_eq!(job.log.all(), ["thank"]);
}

#[derive(Clone, Default)]
struct Tells {
    log: Log,
}

#[job]
impl Tells {
    #[step]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<u32> {
        self.log.add("only");
        attempt.progress(0.5, "half");
        sleep(Duration::from_secs(5)).await;
        Ok(1)
    }
}

#[tokio::test(start_paused = true)]
async fn refused_report_of_progress_does_not_touch_the_job() {
    let (client, job) = (Client::with_seed(refuses_write(1), 1), Tells::default());
    let _center = start(&client, job.clone()).await;
    let run = TellsHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 1);
    assert_eq!(job.log.all(), ["only"]);
}

#[tokio::test(start_paused = true)]
async fn refusal_is_told_to_each_of_many() {
    let client = Client::with_seed(faulty(|name| (name == "insert").then_some(Fault::Refuse)), 1);
    for refused in OnceHandle::new(&client).invoke_many([(), ()]).await {
        assert!(matches!(refused, Err(InvokeError::Storage { source: StorageError::Refused(_), .. })), "{refused:?}");
    }
}

/// Has the database refuse each change of a row whose keyword begins with `bad`.
async fn refuse_bad_rows(database: &TestDatabase, raw: &Raw) {
    let statements: &[&str] = match database.kind() {
        Kind::Sqlite => {
            &["CREATE TRIGGER bad BEFORE UPDATE ON task WHEN NEW.uuid LIKE 'bad%' BEGIN SELECT RAISE(ABORT, 'no'); END"]
        }
        Kind::Postgres => &[
            "CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
            "CREATE TRIGGER bad BEFORE UPDATE ON task FOR EACH ROW WHEN (NEW.uuid LIKE 'bad%') EXECUTE FUNCTION bad()",
        ],
        Kind::MySql => &[
            "CREATE TRIGGER bad BEFORE UPDATE ON task FOR EACH ROW IF NEW.uuid LIKE 'bad%' THEN SIGNAL SQLSTATE '45000'; END IF",
        ],
    };
    for statement in statements {
        raw.0.execute_unprepared(statement).await.unwrap();
    }
}

on_each_database! {
    async fn rows_that_the_database_refuses_keep_no_other_from_being_claimed_or_freed(database) {
        let (client, raw) = (database.client().await, database.raw().await);
        let handle = OnceHandle::new(&client);
        let (mut bad, mut good) = (Vec::new(), Vec::new());
        for held in ["", " held"] {
            for number in 0..9 {
                bad.push(handle.invoke(()).keyword(format!("bad {number}{held}")).await.unwrap());
            }
            good.push(handle.invoke(()).keyword(format!("good{held}")).await.unwrap());
        }
        raw.execute("UPDATE task SET boot = 1001, host = 'gone' WHERE uuid LIKE '%held'").await;
        refuse_bad_rows(&database, &raw).await;
        let _center = center(&client).register(Once::default()).start().await.unwrap();
        for good in &good {
            assert_eq!(timeout(LONG, good.wait()).await.expect("the bad ones are not in its way").unwrap(), 1);
        }
        for bad in &bad {
            assert_eq!(bad.info().await.unwrap().status, Status::Running, "nobody was told that it ended");
        }
    }
}

on_server! { MySql:
    async fn record_that_a_member_out_of_its_group_refuses_is_sent_again(database) {
        let (client, raw, job) = (database.client().await, database.raw().await, Gated::closed());
        let _center = start(&client, job.clone()).await;
        let run = GatedHandle::new(&client).invoke(()).keyword("k").await.unwrap();
        while job.log.all().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        raw.0
            .execute_unprepared(
                "CREATE TRIGGER out_of_group BEFORE UPDATE ON task FOR EACH ROW SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 3100, \
                 MESSAGE_TEXT = 'Error on observer while running replication hook before_commit'",
            )
            .await
            .unwrap();
        job.gate.add_permits(1);
        sleep(Duration::from_millis(500)).await;
        raw.0.execute_unprepared("DROP TRIGGER out_of_group").await.unwrap();
        job.gate.add_permits(1);
        assert_eq!(timeout(LONG, run.wait()).await.expect("it ends").expect("it is not paused"), 1);
        assert_eq!(job.log.all(), ["only"], "what was refused is sent again, and the step is not run again");
    }
}
