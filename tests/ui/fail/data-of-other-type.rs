use serde::{Deserialize, Serialize};
use vtask::{Client, JobContext, job};

#[derive(Serialize, Deserialize, JobContext)]
struct Order {
    cents: u64,
}

struct Pay;

#[job]
impl Pay {
    #[step]
    async fn charge(&self, order: &Order) -> anyhow::Result<u64> {
        Ok(order.cents)
    }
}

async fn pay(client: &Client) -> anyhow::Result<()> {
    PayHandle::new(client).invoke(7).await?;
    Ok(())
}

fn main() {}
