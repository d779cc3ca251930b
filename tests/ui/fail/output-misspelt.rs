use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Order {
    cents: u64,
}

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, order: &Order) -> anyhow::Result<u64> {
        Ok(order.cents)
    }

    #[step]
    async fn book(&self, order: &Order, chrage: &u64) -> anyhow::Result<u64> {
        Ok(order.cents + chrage)
    }
}

fn main() {}
