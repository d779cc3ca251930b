//! The example of a web service, asked by HTTP as its customers ask it, and looked at past vtask.

mod http;
mod killed;

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use vtask::Client;

use self::http::Door;
use crate::database::{Raw, on_each_database};
use crate::examples::Place;
use crate::fleet::{all_done, eventually};
use crate::process::Running;

/// The example, listening.
struct Service {
    running: Running,
    door: Door,
}

const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

impl Service {
    #[track_caller]
    fn start(place: &Place) -> Self {
        let mut running = place.start("service", &LISTEN);
        let line = running.until("listening on ");
        let address = line.rsplit('/').next().expect("it names a URL");
        Self { running, door: Door(address.to_owned()) }
    }
}

/// The order with its job and its parcel, once it is shipped or refused.
async fn ended(door: &Door, id: &str) -> Value {
    let path = format!("/orders/{id}");
    let is_ended = || async { door.get(&path).await.body["order"]["state"] != "placed" };
    eventually("the order is shipped or refused", is_ended).await;
    door.get(&path).await.body
}

fn order(id: &str) -> Value {
    json!({ "id": id, "item": "globe", "cents": 4200 })
}

/// Sends an order that has to wait for a lock of ours, hangs up after so many milliseconds, and lets go of the lock.
async fn hang_up(door: &Door, raw: &Raw, patience: u64) {
    let lock = raw.0.begin().await.unwrap();
    let row = format!("INSERT INTO orders (id, item, cents, state) VALUES ('{patience}', '', 1, 'placed')");
    lock.execute_unprepared(&row).await.unwrap();
    let hanging = door.send("POST /orders", &order(&patience.to_string()).to_string()).await.unwrap();
    sleep(millis(patience)).await;
    drop(hanging);
    // For the service to notice.
    sleep(millis(200)).await;
    lock.rollback().await.unwrap();
}

/// Orders without their job, and jobs without their order, in one look.
const TORN: &str = "
    SELECT (SELECT count(*) FROM orders WHERE NOT EXISTS
              (SELECT 1 FROM task WHERE task.uuid = concat('place_order/', orders.id)))
         + (SELECT count(*) FROM task WHERE NOT EXISTS
              (SELECT 1 FROM orders WHERE task.uuid = concat('place_order/', orders.id)))";

/// Orders of which there is not exactly one of these.
fn not_one(table: &str) -> String {
    format!("SELECT count(*) FROM orders WHERE (SELECT count(*) FROM {table} WHERE order_id = orders.id) <> 1")
}

/// Checks that every order has one job that has ended, one charge and one parcel, and that there are no others; answers
/// how many there are.
async fn check_all_shipped(raw: &Raw) -> i64 {
    all_done(raw).await;
    let orders = raw.number("SELECT count(*) FROM orders").await;
    assert_eq!(raw.number(TORN).await, 0);
    assert_eq!(raw.number("SELECT count(*) FROM orders WHERE state <> 'shipped'").await, 0);
    assert_eq!(raw.number("SELECT count(*) FROM task WHERE status <> 2").await, 0);
    for table in ["charges", "parcels"] {
        assert_eq!(raw.number(&not_one(table)).await, 0, "{table}");
        assert_eq!(raw.number(&format!("SELECT count(*) FROM {table}")).await, orders, "{table}");
    }
    orders
}

/// As [`check_all_shipped`], where clients that hung up may have left orders that are yet to be saved: once this service
/// has ended, by another one.
async fn check_the_end(place: &Place, running: Running, raw: &Raw) -> i64 {
    running.signal("TERM");
    running.end_well();
    let _next = Service::start(place);
    check_all_shipped(raw).await
}

on_each_database! {
    async fn order_is_taken_once_and_shipped(database) {
        let place = Place::on(database.url());
        let Service { door, running: _running } = Service::start(&place);
        let placed = door.post(&order("7")).await;
        assert_eq!(placed.status, 201, "{placed:?}");
        assert_eq!(placed.body["look"], "/orders/7");

        let shipped = ended(&door, "7").await;
        assert_eq!(shipped["order"], json!({ "id": "7", "item": "globe", "cents": 4200, "state": "shipped" }));
        assert_eq!((&shipped["job"]["status"], &shipped["job"]["step"]), (&json!("succeeded"), &json!("")));
        let history = shipped["job"]["history"].as_array().unwrap();
        assert_eq!(history.iter().map(|entry| &entry["step"]).collect::<Vec<_>>(), ["charge", "ship"]);
        assert_eq!(shipped["parcel"]["order_id"], "7");

        let again = door.post(&order("7")).await;
        assert_eq!((again.status, &again.body["order"]), (200, &shipped["order"]));
        let other = door.post(&json!({ "id": "7", "item": "globe", "cents": 1 })).await;
        assert_eq!(other.status, 409, "{other:?}");
        assert_eq!(door.get("/orders").await.body, json!({ "orders": [shipped["order"]] }));
        assert_eq!(check_all_shipped(&database.raw().await).await, 1);
    }

    async fn order_sent_by_many_at_once_is_one_order(database) {
        let place = Place::on(database.url());
        let Service { door, running: _running } = Service::start(&place);
        let mut senders = JoinSet::new();
        for _ in 0..20 {
            let door = door.clone();
            senders.spawn(async move { door.post(&order("7")).await.status });
        }
        let mut told = senders.join_all().await;
        told.sort_unstable();
        assert_eq!(told, [[200; 19].as_slice(), &[201]].concat());
        assert_eq!(check_all_shipped(&database.raw().await).await, 1);
    }

    async fn order_that_the_bank_refuses_is_refused_and_has_no_parcel(database) {
        let place = Place::on(database.url());
        let Service { door, running: _running } = Service::start(&place);
        let placed = door.post(&json!({ "item": "castle", "cents": 50_000_000 })).await;
        assert_eq!(placed.status, 201, "{placed:?}");
        let refused = ended(&door, placed.body["order"]["id"].as_str().unwrap()).await;
        assert_eq!(refused["order"]["state"], "refused", "{refused}");
        assert_eq!((&refused["job"]["status"], &refused["parcel"]), (&json!("failed"), &Value::Null));
        let raw = database.raw().await;
        assert_eq!(raw.number("SELECT count(*) FROM charges").await, 0);
    }

    async fn order_is_taken_to_its_end_though_its_client_hangs_up(database) {
        let place = Place::on(database.url());
        let Service { door, running } = Service::start(&place);
        let raw = database.raw().await;
        // The longer one is for a machine on which the service had not come so far as to wait.
        for patience in [100, 2000] {
            hang_up(&door, &raw, patience).await;
        }
        eventually("an order is saved", || async { raw.number("SELECT count(*) FROM orders").await > 0 }).await;
        check_the_end(&place, running, &raw).await;
    }

    async fn health_is_bad_while_nobody_runs_what_is_due(database) {
        let place = Place::on(database.url());
        let Service { door, running: _running } = Service::start(&place);
        let health = door.get("/health").await;
        assert_eq!((health.status, &health.body["engine"]), (200, &json!("working")), "{health:?}");
        let client: Client = database.client().await;
        client.invoke_json("dig", "{}", "dig/1").await.unwrap();
        let health = door.get("/health").await;
        assert_eq!((health.status, &health.body["due"][0]["name"]), (503, &json!("dig")), "{health:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_told_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let Service { door, running: _running } =
        Service::start(&Place::on(&format!("sqlite://{}/jobs.db", folder.path().display())));
    let long = json!({ "id": "x".repeat(51), "item": "globe", "cents": 1 }).to_string();
    for (request, body, status, word) in [
        ("GET /nowhere", "", 404, "/orders"),
        ("GET /orders/8", "", 404, "no order 8"),
        ("DELETE /orders", "", 405, "method"),
        ("POST /orders", "{", 400, "JSON"),
        ("POST /orders", r#"{"item": "globe"}"#, 422, "cents"),
        ("POST /orders", r#"{"item": "globe", "cents": 0}"#, 422, "cents"),
        ("POST /orders", r#"{"item": "a\u0000b", "cents": 1}"#, 422, "item"),
        ("POST /orders", r#"{"id": "A", "item": "globe", "cents": 1}"#, 422, "id"),
        ("POST /orders", &long, 422, "id"),
    ] {
        let told = door.ask(request, body).await.unwrap();
        assert_eq!(told.status, status, "{request} {body}: {told:?}");
        assert!(told.body["error"].as_str().is_some_and(|error| error.contains(word)), "{request} {body}: {told:?}");
    }
}

#[tokio::test]
async fn client_that_does_not_finish_its_request_does_not_keep_the_service_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let Service { door, running } =
        Service::start(&Place::on(&format!("sqlite://{}/jobs.db", folder.path().display())));
    let mut half = TcpStream::connect(&door.0).await.unwrap();
    half.write_all(b"POST /orders HTTP/1.1\r\nhost: localhost\r\ncontent-le").await.unwrap();
    // A whole request after it: when that is answered, the first part of the other has been read.
    assert_eq!(door.get("/health").await.status, 200);
    running.signal("TERM");
    running.end_well();
}

#[tokio::test]
async fn second_service_on_the_same_port_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/jobs.db", folder.path().display());
    let place = Place::on(&url);
    let first = Service::start(&place);
    let (status, printed) = place.start("service", &["--listen", &first.door.0]).end();
    assert_eq!((status.code(), printed.as_str()), (Some(1), ""));
    let nodes = Raw::connect(&url).await.number("SELECT count(*) FROM task_node").await;
    assert_eq!(nodes, 1, "it would have taken the jobs of a service of its name");
}

/// How long the service is left alone between two things that happen to it.
fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}
