//! A web service that takes orders: each is a row of the shop's own table and a job, saved in one transaction.
//!
//! `cargo run --example service` keeps all in the file `service.db` and listens on 127.0.0.1:8080; or say where:
//! `cargo run --example service -- --listen 127.0.0.1:8081 postgres://user:password@host/db`.
//!
//! ```sh
//! curl -i localhost:8080/orders --json '{"id": "7", "item": "globe", "cents": 4200}'   # 201; sent again, 200
//! curl localhost:8080/orders/7     # the order, how far its job is, its parcel
//! curl localhost:8080/orders       # 50 of them
//! curl -i localhost:8080/health    # 503 if no job would be run
//! ```
//!
//! Kill it at any moment and start it again: there is never an order without its job, nor a job without its order
//! ([`place`]); nobody is charged twice ([`bank`]), and no order has two parcels ([`job`]). SIGTERM or Ctrl-C ends it:
//! first the requests that are under way, then the steps.

#![allow(unreachable_pub, reason = "sea-orm's entities are `pub`, and nobody reaches into a program")]

mod bank;
mod http;
mod job;
mod orders;
mod parcels;
mod place;

use std::io;
use std::time::Duration;

use axum::Router;
use lexopt::{Arg, Parser, ValueExt};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Schema};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use vtask::{Client, JobCenter};

use bank::Bank;
use http::Shop;
use job::{PlaceOrder, PlaceOrderHandle};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let (listen, url) = arguments()?;
    let told_to_end = told_to_end()?;
    // Before the center: a second service fails here, and does not take the jobs of the first, whose name it has. On port 0,
    // which is another one each time, nothing fails: there give each a VTASK_HOST.
    let listener = TcpListener::bind(&listen).await?;
    let db = connect(url).await?;

    let client = Client::from_connection(&db).await?;
    // The same at each start, so that what a killed process left goes on at once. Services on several machines that
    // share a database need names of their own.
    let host = std::env::var("VTASK_HOST").unwrap_or(listen);
    let job = PlaceOrder { bank: Bank::new(&db), db: db.clone() };
    let center = JobCenter::builder(&client).host(host).register(job).start().await?;

    println!("listening on http://{}", listener.local_addr()?);
    let shop = Shop { db, jobs: PlaceOrderHandle::new(&client), probe: center.health_probe() };
    serve(listener, http::routes(shop), told_to_end).await?;
    println!("jobs: {:?}", center.shutdown().await?);
    Ok(())
}

/// Where to listen, and the URL of the database.
fn arguments() -> Result<(String, String), lexopt::Error> {
    let (mut listen, mut url) = ("127.0.0.1:8080".to_owned(), "sqlite://service.db".to_owned());
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("listen") => listen = parser.value()?.string()?,
            Arg::Value(value) => url = value.string()?,
            other => return Err(other.unexpected()),
        }
    }
    Ok((listen, url))
}

/// The service's own pool, and its tables. A real one has migrations.
async fn connect(url: String) -> anyhow::Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).map_sqlx_sqlite_opts(|file| file.create_if_missing(true));
    let db = Database::connect(options).await?;
    let schema = Schema::new(db.get_database_backend());
    let orders = schema.create_table_from_entity(orders::Entity);
    let parcels = schema.create_table_from_entity(parcels::Entity);
    let charges = schema.create_table_from_entity(bank::Entity);
    for mut table in [orders, parcels, charges] {
        db.execute(table.if_not_exists()).await?;
    }
    Ok(db)
}

/// Answers requests until the process is told to end, and then those that are under way, for 5 s at most.
async fn serve(listener: TcpListener, routes: Router, told_to_end: impl Future<Output = ()>) -> anyhow::Result<()> {
    let (end, ended) = oneshot::channel::<()>();
    let server = axum::serve(listener, routes).with_graceful_shutdown(async { drop(ended.await) });
    let server = tokio::spawn(server.into_future());
    told_to_end.await;
    drop(end);
    match timeout(Duration::from_secs(5), server).await {
        Ok(served) => served??,
        Err(_) => tracing::warn!("some clients did not finish their requests"),
    }
    Ok(())
}

/// Ctrl-C or SIGTERM, from this call on.
#[cfg(unix)]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            biased;
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C, from this call on.
#[cfg(windows)]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(interrupt.recv().await) })
}
