//! Servers that are away for a while: guards that this costs time, and neither a job nor an attempt.

use std::time::Duration;

use tokio::time::sleep;

use super::proxy::Proxy;
use super::work::{PlodsHandle, SOON, Work};
use crate::database::{Kind, Raw, TestDatabase, admin, on_each_server, on_server};

on_each_server! {
    async fn work_resumes_soon_after_the_server_returns(database) {
        let mut proxy = Proxy::before(&database).await;
        let mut work = Work::begun(&database, proxy.url()).await;
        proxy.close();
        let handle = PlodsHandle::new(&work.client);
        let invoke = tokio::spawn(async move { handle.invoke(()).await });
        sleep(Duration::from_secs(5)).await;
        let before = work.recorded().await;
        proxy.open().await;
        let took = work.resumed(before).await;
        println!("the first step was recorded {took:?} after the server had returned");
        assert!(took < SOON, "{took:?}");
        work.runs.push(invoke.await.unwrap().expect("who invokes meanwhile has to wait, and no more"));
        work.check().await;
    }

    async fn work_goes_on_at_another_address(database) {
        let (first, second) = (Proxy::before(&database).await, Proxy::before(&database).await);
        let mut work = Work::begun(&database, &first.url_with(&second)).await;
        first.close();
        let before = work.recorded().await;
        let invoke = PlodsHandle::new(&work.client).invoke(());
        let took = work.resumed(before).await;
        println!("the first step was recorded {took:?} after the first address was gone");
        assert!(took < SOON, "{took:?}");
        work.runs.push(invoke.await.expect("the client goes on there, too"));
        work.check().await;
    }

    async fn server_without_room_for_another_connection_is_waited_for(database) {
        let url = database.user().await;
        grant_all(&database).await;
        let (work, before) = (Work::begun(&database, &url).await, Raw::single(&url).await);
        limit_connections(&database, 1).await;
        // MariaDB counts only the connections that are made under the limit; PostgreSQL makes no more under it.
        let hog = if database.kind() == Kind::MySql { Raw::single(&url).await } else { before };
        end_sessions(&database, &hog).await;
        sleep(Duration::from_secs(3)).await;
        let before = work.recorded().await;
        limit_connections(&database, 100).await;
        let took = work.resumed(before).await;
        println!("the first step was recorded {took:?} after there was room");
        assert!(took < SOON, "{took:?}");
        work.check().await;
    }
}

async fn grant_all(database: &TestDatabase) {
    let name = database.name();
    let sql = match database.kind() {
        Kind::MySql => format!("GRANT ALL ON {name}.* TO {name}"),
        _ => format!("GRANT ALL ON SCHEMA public TO {name}"),
    };
    database.raw().await.execute(&sql).await;
}

async fn limit_connections(database: &TestDatabase, most: u32) {
    let name = database.name();
    let sql = match database.kind() {
        Kind::MySql => format!("ALTER USER {name} WITH MAX_USER_CONNECTIONS {most}"),
        _ => format!("ALTER ROLE {name} CONNECTION LIMIT {most}"),
    };
    admin(database.kind()).await.execute(&sql).await;
}

/// Ends the sessions of the database's user, except this one.
async fn end_sessions(database: &TestDatabase, except: &Raw) {
    let (name, admin) = (database.name(), admin(database.kind()).await);
    if database.kind() == Kind::Postgres {
        let own = except.number("SELECT pg_backend_pid()::bigint").await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename =";
        admin.execute(&format!("{sql} '{name}' AND pid <> {own}")).await;
        return;
    }
    let own = except.number("SELECT CAST(connection_id() AS SIGNED)").await;
    let sql = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE user =";
    for session in admin.all(&format!("{sql} '{name}' AND id <> {own}")).await {
        let session: i64 = session.try_get_by_index(0).unwrap();
        admin.execute(&format!("KILL {session}")).await;
    }
}

on_server! { Postgres:
    async fn server_that_takes_no_writes_for_a_while_is_waited_for(database) {
        let (name, work) = (database.name(), Work::begun(&database, database.url()).await);
        let other = Raw::single(database.url()).await;
        other.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
        let own = other.number("SELECT pg_backend_pid()::bigint").await;
        let rest = format!("datname = '{name}' AND pid <> {own}");
        other.all(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {rest}")).await;
        sleep(Duration::from_secs(3)).await;
        let before = work.recorded().await;
        // The sessions that vtask has made meanwhile stay as they are.
        other.execute(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await;
        let took = work.resumed(before).await;
        println!("the first step was recorded {took:?} after writes were allowed");
        work.check().await;
    }
}
