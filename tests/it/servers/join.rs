//! Lives of one host that join at once.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use tokio::time::{sleep, timeout};
use vtask::storage::value::{Boot, FormerNode, NewNode};
use vtask::storage::{OpenOptions, SqlStorage, WriteNodes};

use crate::database::on_server;

fn life(boot: i64, host: &str) -> NewNode {
    NewNode {
        boot: Boot(boot),
        host: host.to_owned(),
        lease_ms: 15_000,
        version: "0.1.0".to_owned(),
        plans: "{}".to_owned(),
    }
}

on_server! { Postgres:
    /// The name of the lock is a part of the protocol: programs of different versions have to agree on it.
    async fn life_waits_for_another_of_its_host_that_joins_and_for_no_other(database) {
        let storage = SqlStorage::open(database.url(), &OpenOptions::default()).await.unwrap();
        let raw = database.raw().await;
        let other = raw.0.begin().await.unwrap();
        for sql in [
            "SELECT pg_advisory_xact_lock(hashtextextended('task_node'::regclass::oid || '.' || encode('a', 'hex'), 0))",
            "INSERT INTO task_node (boot, host, beat, lease_ms, state, accuses, version, plans, running, create_time, \
             update_time) VALUES (1, 'a', 0, 15000, 0, 0, '', '{}', 0, 0, 0)",
        ] {
            other.execute_unprepared(sql).await.unwrap();
        }
        assert_eq!(storage.join(&life(3, "b")).await.unwrap(), [], "another host joins meanwhile");
        let (second, commit) = (life(2, "a"), async {
            sleep(Duration::from_millis(300)).await;
            other.commit().await.unwrap();
        });
        let (former, ()) = tokio::join!(timeout(Duration::from_secs(5), storage.join(&second)), commit);
        assert_eq!(former.unwrap().unwrap(), [FormerNode { boot: Boot(1), accuses: true }], "it sees the other one");
    }
}
