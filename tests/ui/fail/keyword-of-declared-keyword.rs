use serde::{Deserialize, Serialize};
use vtask::{Client, InvokeError, JobContext, job};

#[derive(Serialize, Deserialize, JobContext)]
struct Order {
    #[context(keyword)]
    id: u64,
}

struct Pay;

#[job]
impl Pay {
    #[step]
    async fn charge(&self, order: &Order) -> anyhow::Result<u64> {
        Ok(order.id)
    }
}

async fn pay(client: &Client) -> Result<(), InvokeError> {
    PayHandle::new(client).invoke(Order { id: 7 }).keyword("seven").await?;
    Ok(())
}

fn main() {}
