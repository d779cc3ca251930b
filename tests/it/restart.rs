//! Restarts that are refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use vtask::{JobContext, RunError, job};

use crate::log::Log;
use crate::setup::{paused_client, start};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Order {
    #[context(keyword)]
    id: u32,
    note: String,
}

fn order(id: u32, note: &str) -> Order {
    Order { id, note: note.to_owned() }
}

#[derive(Clone, Default)]
struct Ships {
    log: Log,
}

#[job]
impl Ships {
    #[step]
    async fn ship(&self, order: &Order) -> anyhow::Result<String> {
        Ok(order.note.clone())
    }

    #[on_success]
    async fn thank(&self, order: &Order) -> anyhow::Result<()> {
        self.log.add(format!("thank {}", order.id));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn restart_at_a_step_without_a_name_is_refused() {
    let (client, job) = (paused_client(), Ships::default());
    let _center = start(&client, job.clone()).await;
    let run = ShipsHandle::new(&client).invoke(order(7, "")).await.unwrap();
    run.wait().await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let refused = client.restart("ships/7", "").await;
    assert!(matches!(&refused, Err(RunError::NoSuchStep { step, .. }) if step.is_empty()), "{refused:?}");
    sleep(Duration::from_secs(5)).await;
    assert_eq!(job.log.all(), ["thank 7"]);
}

#[tokio::test(start_paused = true)]
async fn restart_with_the_data_of_another_keyword_is_refused() {
    let client = paused_client();
    let _center = start(&client, Ships::default()).await;
    let run = ShipsHandle::new(&client).invoke(order(7, "first")).await.unwrap();
    run.wait().await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let refused = run.restart(Ships::SHIP).data(order(8, "other")).await;
    assert!(matches!(refused, Err(RunError::OtherKeyword { .. })), "{refused:?}");
    assert_eq!(run.context().await.unwrap().data.id, 7);
    run.restart(Ships::SHIP).data(order(7, "second")).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), "second");
}
