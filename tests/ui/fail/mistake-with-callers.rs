use serde::{Deserialize, Serialize};
use vtask::{Client, JobCenter, JobContext, job};

#[derive(Serialize, Deserialize, JobContext)]
struct Order {
    cents: u64,
}

struct Pay;

#[job]
impl Pay {
    #[step(retries = 3)]
    async fn charge(&self, order: &Order) -> anyhow::Result<u64> {
        Ok(order.cents)
    }
}

async fn pay(client: &Client) -> anyhow::Result<u64> {
    let center = JobCenter::builder(client).register(Pay).start().await?;
    let run = PayHandle::new(client).invoke(Order { cents: 7 }).await?;
    run.restart(Pay::CHARGE).await?;
    let context: PayContext = run.context().await?;
    let cents: u64 = run.wait().await?;
    center.shutdown().await;
    Ok(cents + context.data.cents)
}

fn main() {}
