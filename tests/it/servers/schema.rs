//! Tables that are there already, and whose they are.

use vtask::{Client, ConnectError};

use super::refusal::{assert_refused, refused};
use crate::database::on_each_database;
use crate::jobs::{Once, OnceHandle};
use crate::setup::start;

on_each_database! {
    async fn foreign_table_is_refused_and_left_alone(database) {
        let raw = database.raw().await;
        for table in ["task", "task_node"] {
            raw.execute(&format!("CREATE TABLE {table} (id INTEGER, title VARCHAR(99))")).await;
            raw.execute(&format!("INSERT INTO {table} VALUES (7, 'water the plants')")).await;
            for builder in [database.builder(), database.builder().migrate(false), database.builder().adopt_original(true)] {
                let expected = format!(
                    "the database has a table `{table}` that vtask did not make; it was left untouched: use another \
                     database, or `table_prefix`"
                );
                assert_refused!(refused(builder).await, ConnectError::ForeignTable { .. }, expected);
            }
            let kept = format!("SELECT count(*) FROM {table} WHERE id = 7 AND title = 'water the plants'");
            assert_eq!(raw.number(&kept).await, 1);
            raw.execute(&format!("DROP TABLE {table}")).await;
        }
        // Nothing else was made beside it, so that the database serves once it is empty.
        for table in ["task", "task_node", "vtask_migrations"] {
            raw.execute(&format!("CREATE TABLE {table} (id INTEGER)")).await;
            raw.execute(&format!("DROP TABLE {table}")).await;
        }
        drop(database.client().await);
    }

    async fn newer_tables_are_refused_only_where_they_cannot_be_used(database) {
        drop(database.client().await);
        let raw = database.raw().await;
        raw.execute("INSERT INTO vtask_migrations VALUES (7, 1, 0)").await;
        for builder in [database.builder(), database.builder().migrate(false)] {
            let client = builder.connect().await.expect("version 1 may use the tables");
            let center = start(&client, Once::default()).await;
            OnceHandle::new(&client).invoke(()).await.unwrap().wait().await.unwrap();
            center.shutdown().await.unwrap();
        }
        raw.execute("INSERT INTO vtask_migrations VALUES (8, 8, 0)").await;
        let expected = "the tables have schema version 8, which programs below schema version 8 cannot use; this program \
                        knows version 1: update it";
        for builder in [database.builder(), database.builder().migrate(false)] {
            assert_refused!(refused(builder).await, ConnectError::NewerSchema { .. }, expected);
        }
    }

    async fn tables_made_by_hand_serve_a_client_that_may_not_make_them(database) {
        let raw = database.raw().await;
        let builder = || database.builder().migrate(false);
        let expected = "the tables have schema version 0, this program needs 1: run the statements of `schema_sql`, or \
                        allow it to migrate them";
        assert_refused!(refused(builder()).await, ConnectError::OldSchema { .. }, expected);
        for statement in builder().schema_sql().unwrap().split(';').filter(|statement| !statement.trim().is_empty()) {
            assert_refused!(refused(builder()).await, ConnectError::OldSchema { .. }, expected);
            raw.execute(statement).await;
        }
        let client = builder().connect().await.expect("the tables are there");
        let center = start(&client, Once::default()).await;
        assert_eq!(OnceHandle::new(&client).invoke(()).await.unwrap().wait().await.unwrap(), 1);
        center.shutdown().await.unwrap();
        drop(Client::connect(database.url()).await.expect("there is nothing to migrate"));
    }
}
