//! Instants, whatever the time zones of servers and sessions, which here are New York's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vtask::Client;
use vtask::storage::value::Wanted;
use vtask::storage::{Database, OpenOptions, ReadJobs, SqlStorage};

use crate::database::{Raw, TestDatabase, on_each_database, on_server};
use crate::jobs::OnceHandle;

/// In New York: 01:30 on a day that has it twice, both of them; 03:30 on a day that has no 02:30.
const PAST: [u64; 3] = [1_699_162_200, 1_699_165_800, 1_678_606_200];
/// The same in 2040, when seconds do not fit 32 bits any more, and in 2037; the last comes first.
const FUTURE: [u64; 4] = [2_215_063_800, 2_140_669_800, 2_140_666_200, 2_120_110_200];

/// With a part of a second, to the last digit that is kept.
fn instant(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(123_456)
}

on_each_database! {
    async fn clock_of_the_database_shows_the_time_of_the_world(database) {
        let client = database.client().await;
        let (leeway, before) = (Duration::from_secs(2), SystemTime::now());
        let info = OnceHandle::new(&client).invoke(()).await.unwrap().info().await.unwrap();
        let after = SystemTime::now();
        for time in [info.created_at, info.updated_at, info.due_at.expect("it has work")] {
            assert!(before - leeway <= time && time <= after + leeway, "{time:?} is not from {before:?} to {after:?}");
        }
    }

    async fn instant_that_a_clock_change_repeats_or_skips_is_kept(database) {
        assert_instants_kept(database.url()).await;
    }
}

/// Asserts that jobs are stored with these instants, and are due at them.
async fn assert_instants_kept(place: impl Into<Database> + Clone) {
    let client = Client::builder(place.clone()).connect().await.expect("the database opens");
    let storage = SqlStorage::open(place, &OpenOptions::default()).await.expect("the database opens");
    let due = async || {
        storage.due(&[Wanted { name: "once".to_owned(), limit: 9, most_crashes: 9, after: None }], false).await.unwrap()
    };
    for seconds in PAST.into_iter().chain(FUTURE) {
        let run = OnceHandle::new(&client).invoke(()).at(instant(seconds)).await.unwrap();
        assert_eq!(run.info().await.unwrap().due_at, Some(instant(seconds)));
        let (is_past, due) = (PAST.contains(&seconds), due().await);
        let is_due = due.candidates.iter().any(|candidate| candidate.id == run.id());
        assert_eq!(is_due, is_past, "{seconds}");
        if let Ok(wait) = instant(seconds).duration_since(SystemTime::now()) {
            let error = due.next_in.expect("one waits").abs_diff(wait);
            assert!(error < Duration::from_secs(5), "{seconds} is due {error:?} too early or late");
        }
    }
}

/// Asserts the same beside a session of the user's that has this zone, and that this reads the same numbers.
async fn assert_zone_does_not_matter(database: &TestDatabase, set_zone: &str) {
    let pool = Raw::single(database.url()).await;
    pool.execute(set_zone).await;
    assert_instants_kept(&pool.0).await;
    let stored = pool.all("SELECT wake_at FROM task ORDER BY id").await;
    let stored: Vec<i64> = stored.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let expected = PAST.into_iter().chain(FUTURE).map(|seconds| i64::try_from(seconds).unwrap() * 1_000_000 + 123_456);
    assert_eq!(stored, expected.collect::<Vec<_>>());
    pool.execute("DELETE FROM task").await;
}

on_server! { Postgres:
    async fn zone_of_a_postgres_session_does_not_matter(database) {
        for zone in ["America/New_York", "-05:00", "Asia/Kathmandu"] {
            assert_zone_does_not_matter(&database, &format!("SET TIME ZONE '{zone}'")).await;
        }
    }
}

on_server! { MySql:
    async fn zone_of_a_mysql_session_does_not_matter(database) {
        for zone in ["SYSTEM", "-05:00", "+05:45"] {
            assert_zone_does_not_matter(&database, &format!("SET time_zone = '{zone}'")).await;
        }
    }

    async fn zone_in_a_mysql_url_does_not_matter(database) {
        assert_instants_kept(format!("{}?timezone=-05:00", database.url())).await;
    }
}
