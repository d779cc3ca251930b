//! The settings that vtask gives its own sessions, whatever those of the database are.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use tokio::time::timeout;
use vtask::job;

use super::LONG;
use crate::database::{Kind, admin, on_each_server, on_server};
use crate::setup::{Sqlite, center, start};

/// Shows how safe its session is, where that is a setting of the session that a statement can read.
struct Shows;

#[job]
impl Shows {
    #[step(timeout = "7s")]
    async fn show(&self, tx: &DatabaseTransaction) -> anyhow::Result<i32> {
        let backend = tx.get_database_backend();
        let sqlite = "SELECT synchronous FROM pragma_synchronous";
        let ask = if backend == sea_orm::DbBackend::Sqlite { sqlite } else { "SELECT 2" };
        let row = tx.query_one_raw(Statement::from_string(backend, ask)).await?.expect("it has one");
        Ok(row.try_get_by_index(0)?)
    }

    #[step]
    async fn plain(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn sqlite_waits_for_the_disk_also_for_what_a_step_writes() {
    let file = Sqlite::new();
    let client = vtask::Client::connect(file.url()).await.unwrap();
    let center = start(&client, Shows).await;
    let run = ShowsHandle::new(&client).invoke(()).await.unwrap();
    timeout(LONG, run.wait()).await.expect("it ends").unwrap();
    assert_eq!(run.output(Shows::SHOW).await.unwrap(), Some(2), "`synchronous` is FULL");
    center.shutdown().await.unwrap();
}

/// What a session shows that writes a row; MariaDB's own beside those that MySQL has, too.
async fn shown_by(kind: Kind) -> (&'static str, &'static [&'static str]) {
    if kind == Kind::Postgres {
        let show = "concat_ws(' ', current_setting('synchronous_commit'), current_setting('transaction_isolation'), \
                    current_setting('lock_timeout'), current_setting('statement_timeout'), \
                    current_setting('idle_in_transaction_session_timeout'))";
        return (show, &["on read committed 1s 15s 10s", "on read committed 7s 7s 12s"]);
    }
    let version = admin(Kind::MySql).await.all("SELECT CAST(version() AS CHAR)").await;
    if version[0].try_get_by_index::<String>(0).unwrap().contains("MariaDB") {
        let show = "concat_ws(' ', @@tx_isolation, IF(@@autocommit, 1, 0), @@innodb_lock_wait_timeout, @@lock_wait_timeout, \
                    @@max_statement_time, @@idle_transaction_timeout)";
        return (show, &["READ-COMMITTED 0 7 7 7.000000 12", "READ-COMMITTED 1 1 1 15.000000 10"]);
    }
    let show = "concat_ws(' ', @@transaction_isolation, IF(@@autocommit, 1, 0), @@innodb_lock_wait_timeout, @@lock_wait_timeout)";
    (show, &["READ-COMMITTED 0 7 7", "READ-COMMITTED 1 1 1"])
}

on_each_server! {
    async fn sessions_have_the_settings_of_vtask(database) {
        let raw = database.raw().await;
        if database.kind() == Kind::Postgres {
            for (setting, value) in [("synchronous_commit", "off"), ("default_transaction_isolation", "serializable")] {
                let set = format!("ALTER DATABASE {} SET {setting} = '{value}'", database.name());
                admin(Kind::Postgres).await.execute(&set).await;
            }
        }
        let client = database.client().await;
        let (show, expected) = shown_by(database.kind()).await;
        raw.execute("CREATE TABLE noted (shown VARCHAR(200))").await;
        let note = format!("INSERT INTO noted VALUES ({show})");
        if database.kind() == Kind::Postgres {
            raw.execute(&format!(
                "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {note}; RETURN NULL; END $$"
            ))
            .await;
            raw.execute("CREATE TRIGGER notes AFTER INSERT OR UPDATE ON task FOR EACH ROW EXECUTE FUNCTION note()").await;
        } else {
            for (name, event) in [("inserted", "INSERT"), ("updated", "UPDATE")] {
                raw.execute(&format!("CREATE TRIGGER {name} AFTER {event} ON task FOR EACH ROW {note}")).await;
            }
        }
        let center = center(&client).register(Shows).start().await.unwrap();
        let run = ShowsHandle::new(&client).invoke(()).await.unwrap();
        timeout(LONG, run.wait()).await.expect("it ends").unwrap();
        center.shutdown().await.unwrap();
        // Inserted by the client, claimed and recorded by the engine, and recorded within the step's own transaction.
        let noted = raw.all("SELECT shown FROM noted").await;
        let noted: BTreeSet<String> = noted.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(noted.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }
}

on_server! { Postgres:
    async fn step_waits_where_its_database_is_to_take_no_writes(database) {
        let (client, raw) = (database.client().await, database.raw().await);
        raw.execute("CREATE TABLE sold (id INTEGER)").await;
        let center = center(&client).register(Sells).start().await.unwrap();
        // The sessions that there are go on as they were; those of steps are opened now.
        let freeze = format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name());
        admin(Kind::Postgres).await.execute(&freeze).await;
        let run = SellsHandle::new(&client).invoke(()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        assert_eq!(raw.number("SELECT count(*) FROM sold").await, 0, "it has not begun");
        admin(Kind::Postgres).await.execute(&freeze.replace("= on", "= off")).await;
        timeout(LONG, run.wait()).await.expect("it ends").unwrap();
        assert_eq!(run.info().await.unwrap().history.len(), 1, "no attempt was spent");
        center.shutdown().await.unwrap();
    }
}

/// Writes to a table.
struct Sells;

#[job]
impl Sells {
    #[step]
    async fn sell(&self, tx: &DatabaseTransaction) -> anyhow::Result<()> {
        tx.execute_unprepared("INSERT INTO sold VALUES (1)").await?;
        Ok(())
    }
}
