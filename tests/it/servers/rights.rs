//! Users who may do less than everything.

use vtask::{Client, ConnectError};

use super::refusal::{assert_refused, refused};
use crate::database::{Kind, Raw, TestDatabase, on_each_server, on_server};
use crate::jobs::{Once, OnceHandle};
use crate::setup::start;

/// What it takes to work on tables that are there.
const ENOUGH: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// Has an administrator make the tables, and a user who may do this with them; answers his URL and a raw connection.
async fn user_with(database: &TestDatabase, rights: &[&str]) -> (String, Raw) {
    drop(database.client().await);
    let (url, raw, rights) = (database.user().await, database.raw().await, rights.join(", "));
    for table in ["task", "task_node", "vtask_migrations"] {
        raw.execute(&format!("GRANT {rights} ON {table} TO {}", database.name())).await;
    }
    (url, raw)
}

/// Lets the user draw numbers for new rows, which is a right of its own.
async fn grant_numbers(database: &TestDatabase, raw: &Raw) {
    if database.kind() == Kind::Postgres {
        raw.execute(&format!("GRANT USAGE ON SEQUENCE task_id_seq TO {}", database.name())).await;
    }
}

#[track_caller]
fn assert_lacks_right(error: ConnectError, database: &TestDatabase) {
    let (user, address) = (database.name(), database.address());
    let expected = format!(
        "user {user:?} lacks a right on {address}: vtask selects, inserts, updates and deletes in its tables, and \
         creates them unless `migrate(false)`"
    );
    assert_refused!(error, ConnectError::NoRights { .. }, expected);
}

async fn tables(database: &TestDatabase) -> i64 {
    let schema = if database.kind() == Kind::MySql { "database()" } else { "'public'" };
    let sql = format!("SELECT count(*) FROM information_schema.tables WHERE table_schema = {schema}");
    database.raw().await.number(&sql).await
}

on_each_server! {
    async fn user_who_may_not_create_is_told_so_on_an_empty_database(database) {
        let (url, raw) = (database.user().await, database.raw().await);
        if database.kind() == Kind::MySql {
            let rights = ENOUGH.join(", ");
            raw.execute(&format!("GRANT {rights} ON {0}.* TO {0}", database.name())).await;
        } else {
            raw.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
        }
        assert_lacks_right(refused(Client::builder(&url)).await, &database);
        assert_eq!(tables(&database).await, 0, "nothing was made");
        let error = refused(Client::builder(url).migrate(false)).await;
        assert!(matches!(error, ConnectError::OldSchema { found: 0, .. }), "{error:?}");
    }

    async fn user_who_may_only_read_is_told_so_at_the_start(database) {
        let (url, _raw) = user_with(&database, &["SELECT"]).await;
        assert_lacks_right(refused(Client::builder(url)).await, &database);
    }

    async fn user_who_lacks_any_one_right_is_told_so_at_the_start(database) {
        let (url, raw) = user_with(&database, &ENOUGH).await;
        grant_numbers(&database, &raw).await;
        for table in ["task", "task_node"] {
            for right in ENOUGH {
                raw.execute(&format!("REVOKE {right} ON {table} FROM {}", database.name())).await;
                assert_lacks_right(refused(Client::builder(&url)).await, &database);
                raw.execute(&format!("GRANT {right} ON {table} TO {}", database.name())).await;
            }
        }
        drop(Client::connect(url).await.expect("with all of them it opens"));
    }

    async fn user_who_may_not_create_works_on_tables_that_are_there(database) {
        let (url, raw) = user_with(&database, &ENOUGH).await;
        grant_numbers(&database, &raw).await;
        let client = Client::connect(url).await.expect("there is nothing to create");
        let center = start(&client, Once::default()).await;
        for run in OnceHandle::new(&client).invoke_many(vec![(); 3]).await {
            assert_eq!(run.unwrap().wait().await.unwrap(), 1);
        }
        center.shutdown().await.unwrap();
    }
}

on_server! { Postgres:
    async fn user_who_may_not_draw_numbers_is_told_so_at_the_start(database) {
        let (url, _raw) = user_with(&database, &ENOUGH).await;
        assert_lacks_right(refused(Client::builder(url)).await, &database);
    }
}
