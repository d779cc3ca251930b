//! The service is killed at random moments, and told to end, while customers order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::http::Door;
use super::{LISTEN, Service, TORN, check_the_end, millis, order};
use crate::database::{Raw, on_each_database};
use crate::dice::Dice;
use crate::examples::Place;
use crate::fleet::eventually;

const KILLS: u32 = 8;

/// Those who order, until they are dropped or have enough.
struct Customers {
    /// Where the service is, while it is.
    door: watch::Sender<Option<Door>>,
    have_enough: Arc<AtomicBool>,
    unanswered: Arc<AtomicU32>,
    /// Each answers which of its orders were acknowledged.
    tasks: JoinSet<Vec<String>>,
}

impl Customers {
    fn come(door: &Door) -> Self {
        let (have_enough, unanswered, mut tasks) = (Arc::default(), Arc::default(), JoinSet::new());
        let door = watch::Sender::new(Some(door.clone()));
        for name in ["ada", "grace", "barbara", "margaret"] {
            let (have_enough, unanswered) = (Arc::clone(&have_enough), Arc::clone(&unanswered));
            tasks.spawn(Customer { name, door: door.subscribe(), have_enough, unanswered }.orders());
        }
        Self { door, have_enough, unanswered, tasks }
    }

    async fn leave(self) -> Vec<String> {
        self.have_enough.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.concat()
    }
}

struct Customer {
    name: &'static str,
    door: watch::Receiver<Option<Door>>,
    have_enough: Arc<AtomicBool>,
    unanswered: Arc<AtomicU32>,
}

impl Customer {
    async fn orders(mut self) -> Vec<String> {
        let mut acknowledged = Vec::new();
        for number in 1.. {
            if self.have_enough.load(Ordering::Relaxed) {
                break;
            }
            let id = format!("{}-{number}", self.name);
            if number % 5 == 0 {
                self.hangs_up(&id).await;
            } else {
                self.insists(&id).await;
                acknowledged.push(id);
            }
            sleep(millis(30)).await;
        }
        acknowledged
    }

    async fn open_door(&mut self) -> Door {
        let door = self.door.wait_for(Option::is_some).await.expect("the test goes on");
        door.clone().expect("it was waited for")
    }

    /// Sends the order again until it is answered.
    async fn insists(&mut self, id: &str) {
        loop {
            match self.open_door().await.ask("POST /orders", &order(id).to_string()).await {
                Ok(answer) if matches!(answer.status, 200 | 201) => return,
                Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                Err(_) => drop(self.unanswered.fetch_add(1, Ordering::Relaxed)),
            }
            sleep(millis(5)).await;
        }
    }

    async fn hangs_up(&mut self, id: &str) {
        drop(self.open_door().await.send("POST /orders", &order(id).to_string()).await);
    }
}

/// Looks all the time for orders without their job and jobs without their order.
struct Auditor {
    is_over: Arc<AtomicBool>,
    looks: JoinHandle<u32>,
}

impl Auditor {
    fn look(raw: Raw) -> Self {
        let is_over = Arc::<AtomicBool>::default();
        let ends = Arc::clone(&is_over);
        let looks = tokio::spawn(async move {
            let mut looks = 0;
            while !ends.load(Ordering::Relaxed) {
                assert_eq!(raw.number(TORN).await, 0, "an order or a job is alone");
                looks += 1;
                sleep(millis(20)).await;
            }
            looks
        });
        Self { is_over, looks }
    }

    async fn end(self) -> u32 {
        self.is_over.store(true, Ordering::Relaxed);
        self.looks.await.unwrap()
    }
}

/// Lets the service go on for a moment, and mostly end before what others have left: vtask would take a job that is there
/// at every death for the cause.
async fn live(raw: &Raw, dice: &mut Dice) {
    if dice.below(3) > 0 {
        let newest = raw.number("SELECT coalesce(max(id), 0) FROM task").await;
        let left = format!("SELECT count(*) FROM task WHERE work = 1 AND id <= {newest}");
        eventually("what was left has ended", || async { raw.number(&left).await == 0 }).await;
    }
    sleep(millis(dice.below(400))).await;
}

/// Kills a service that has just been started, mostly before it listens.
async fn kill_young(place: &Place, dice: &mut Dice) {
    let mut young = place.start("service", &LISTEN);
    sleep(millis(dice.below(400))).await;
    assert_eq!(young.ended(), None, "it has ended by itself");
    young.kill();
}

on_each_database! {
    async fn service_killed_at_any_moment_never_parts_an_order_from_its_job(database) {
        let (place, mut dice) = (Place::on(database.url()), Dice::new());
        let mut service = Service::start(&place);
        let (raw, auditor) = (database.raw().await, Auditor::look(database.raw().await));
        let customers = Customers::come(&service.door);
        for _ in 0..KILLS {
            live(&raw, &mut dice).await;
            // Nobody else gets the port before the last customer has heard of it.
            customers.door.send_replace(None);
            service.running.kill();
            if dice.below(3) == 0 {
                kill_young(&place, &mut dice).await;
            }
            service = Service::start(&place);
            customers.door.send_replace(Some(service.door.clone()));
        }
        let unanswered = Arc::clone(&customers.unanswered);
        let acknowledged = customers.leave().await;
        let orders = check_the_end(&place, service.running, &raw).await;
        let rows = raw.all("SELECT id FROM orders").await;
        let saved: BTreeSet<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        let lost: Vec<&String> = acknowledged.iter().filter(|id| !saved.contains(*id)).collect();
        assert_eq!(lost, [] as [&String; 0], "they were acknowledged");
        let crashes = raw.number("SELECT count(*) FROM task WHERE history LIKE '%crashed%'").await;
        let (looks, unanswered) = (auditor.end().await, unanswered.load(Ordering::Relaxed));
        let told = format!("{orders} orders, {} acknowledged, {unanswered} unanswered", acknowledged.len());
        println!("{told}, {crashes} crashes, {looks} looks");
        assert!(crashes > 0 && unanswered > 0 && looks > KILLS, "the kills met nothing: {told}");
    }

    async fn service_told_to_end_ends_well_while_orders_are_under_way(database) {
        let place = Place::on(database.url());
        let service = Service::start(&place);
        let (raw, auditor) = (database.raw().await, Auditor::look(database.raw().await));
        let customers = Customers::come(&service.door);
        sleep(millis(500)).await;
        service.running.signal("TERM");
        customers.door.send_replace(None);
        service.running.end_well();
        assert_eq!(raw.number("SELECT count(*) FROM task WHERE boot <> 0").await, 0, "all is handed over");
        let service = Service::start(&place);
        customers.door.send_replace(Some(service.door.clone()));
        let acknowledged = customers.leave().await;
        let orders = check_the_end(&place, service.running, &raw).await;
        assert!(acknowledged.len() > 4 && orders >= i64::try_from(acknowledged.len()).unwrap(), "{orders} orders");
        assert_eq!(raw.number("SELECT count(*) FROM task WHERE history LIKE '%crashed%'").await, 0);
        auditor.end().await;
    }
}
