//! Servers, databases and sessions whose settings would lose data, or take none.

use tracing::instrument::WithSubscriber;
use vtask::storage::value::NewJob;
use vtask::storage::{OpenOptions, SqlStorage, StorageError, WriteJobs};
use vtask::{Client, ConnectError};

use super::refusal::{assert_refused, refused};
use super::row::new_job;
use crate::database::{Kind, Raw, TestDatabase, admin, on_server};
use crate::said::Said;

on_server! { Postgres:
    async fn postgres_that_takes_no_writes_is_told_as_such(database) {
        let read_only = format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name());
        database.raw().await.execute(&read_only).await;
        let expected = format!("{} takes no writes: connect to the primary", database.address());
        assert_refused!(refused(database.builder()).await, ConnectError::ReadOnly { .. }, &expected);
        let writable = read_only.replace("= on", "= off");
        admin(Kind::Postgres).await.execute(&writable).await;
        drop(database.client().await);
        admin(Kind::Postgres).await.execute(&read_only).await;
        assert_refused!(refused(database.builder()).await, ConnectError::ReadOnly { .. }, &expected);
    }

    async fn setting_that_loses_what_others_commit_is_warned_of(database) {
        for (value, is_warned) in [("off", true), ("on", false)] {
            let sql = format!("ALTER DATABASE {} SET synchronous_commit = {value}", database.name());
            admin(Kind::Postgres).await.execute(&sql).await;
            let said = Said::default();
            drop(Client::connect(database.url()).with_subscriber(said.subscriber()).await.expect("it opens"));
            let warning = said.text().contains("setting=\"synchronous_commit\" value=\"off\" safe=\"on\"");
            assert_eq!(warning, is_warned, "{value}: {}", said.text());
            assert!(!said.text().contains("transaction_isolation"), "{}", said.text());
        }
    }

    async fn database_that_cannot_store_every_text_is_refused(database) {
        let (admin, name) = (admin(Kind::Postgres).await, database.name());
        admin.execute(&format!("DROP DATABASE {name}")).await;
        let locale = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
        admin.execute(&format!("CREATE DATABASE {name} {locale}")).await;
        let address = database.address();
        let expected = format!("{address} stores text as LATIN1: vtask needs a database with encoding UTF8");
        assert_refused!(refused(database.builder()).await, ConnectError::Encoding { .. }, expected);
        let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
        assert_eq!(database.raw().await.number(tables).await, 0, "nothing was made");
    }
}

/// Has the server begin each session of the database's own user with a statement, and of nobody else, while `test` runs.
///
/// It does so by `init_connect`, which administrators are spared; two tests that need it wait for each other.
async fn with_first_statement<T>(database: &TestDatabase, setting: &str, test: impl Future<Output = T>) -> T {
    let admin = Raw::single(&format!("{}/mysql", Kind::MySql.server())).await;
    assert_eq!(admin.number("SELECT GET_LOCK('vtask_test.init_connect', 60)").await, 1);
    let before = admin.all("SELECT CAST(@@init_connect AS CHAR)").await[0].try_get_by_index::<String>(0).unwrap();
    let condition = format!("substring_index(user(), ''@'', 1) = ''{}''", database.name());
    let statement = setting.replace("{is_user}", &condition);
    admin.execute(&format!("SET GLOBAL init_connect = '{statement}'")).await;
    let outcome = test.await;
    admin.execute(&format!("SET GLOBAL init_connect = '{}'", before.replace('\'', "''"))).await;
    admin.execute("DO RELEASE_LOCK('vtask_test.init_connect')").await;
    outcome
}

/// A user of his own database who may do everything in it.
async fn owner(database: &TestDatabase) -> String {
    let (url, name) = (database.user().await, database.name());
    database.raw().await.execute(&format!("GRANT ALL ON {name}.* TO {name}")).await;
    url
}

on_server! { MySql:
    async fn mysql_that_takes_no_writes_is_told_as_such(database) {
        let url = owner(&database).await;
        let version = database.raw().await.all("SELECT CAST(version() AS CHAR)").await;
        let is_mariadb = version[0].try_get_by_index::<String>(0).unwrap().contains("MariaDB");
        let variable = if is_mariadb { "tx_read_only" } else { "transaction_read_only" };
        let read_only = format!("SET SESSION {variable} = ({{is_user}})");
        let expected = format!("{} takes no writes: connect to the primary", database.address());
        let empty = with_first_statement(&database, &read_only, refused(Client::builder(&url))).await;
        assert_refused!(empty, ConnectError::ReadOnly { .. }, &expected);
        drop(Client::connect(&url).await.expect("it takes writes again"));
        let filled = with_first_statement(&database, &read_only, refused(Client::builder(&url))).await;
        assert_refused!(filled, ConnectError::ReadOnly { .. }, &expected);
    }

    async fn pool_that_cuts_values_is_refused(database) {
        let pool = Raw::single(database.url()).await;
        for mode in ["", "ANSI_QUOTES"] {
            pool.execute(&format!("SET sql_mode = '{mode}'")).await;
            let expected = format!(
                "connections to {} have sql_mode {mode:?}, which loses data silently: add STRICT_TRANS_TABLES",
                database.address()
            );
            assert_refused!(refused(Client::builder(&pool.0)).await, ConnectError::LaxSqlMode { .. }, expected);
        }
        for mode in ["STRICT_ALL_TABLES", "TRADITIONAL"] {
            pool.execute(&format!("SET sql_mode = '{mode}'")).await;
            drop(Client::from_connection(&pool.0).await.expect("it refuses what does not fit"));
        }
    }

    async fn session_of_vtask_is_strict_where_the_server_is_not(database) {
        let url = owner(&database).await;
        let lax = "SET SESSION sql_mode = if({is_user}, '''', @@sql_mode)";
        let too_long = NewJob { name: "n".repeat(256), ..new_job("k") };
        let test = async {
            let mode = Raw::connect(&url).await.all("SELECT CAST(@@sql_mode AS CHAR)").await;
            let storage = SqlStorage::open(&url, &OpenOptions::default()).await.expect("it sets its own mode");
            (mode[0].try_get_by_index::<String>(0), storage.insert(&[too_long]).await)
        };
        let (others, insert) = with_first_statement(&database, lax, test).await;
        let others = others.unwrap();
        assert!(!others.contains("STRICT"), "other sessions of the user cut values: {others}");
        assert!(matches!(insert, Err(StorageError::Refused(_))), "{insert:?}");
        assert_eq!(database.raw().await.number("SELECT count(*) FROM task").await, 0, "nothing was cut and stored");
    }

    async fn server_that_does_not_wait_for_its_disk_is_warned_of(database) {
        let admin = admin(Kind::MySql).await;
        // A global setting, which the other tests do not mind.
        for (value, is_warned) in [(2, true), (1, false)] {
            admin.execute(&format!("SET GLOBAL innodb_flush_log_at_trx_commit = {value}")).await;
            let said = Said::default();
            drop(Client::connect(database.url()).with_subscriber(said.subscriber()).await.expect("it opens"));
            let warning = said.text().contains("setting=\"innodb_flush_log_at_trx_commit\" value=\"2\" safe=\"1\"");
            assert_eq!(warning, is_warned, "{value}: {}", said.text());
        }
    }
}
