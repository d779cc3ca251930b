use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Order {
    id: u64,
}

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, order: &Order, other: &Order) -> anyhow::Result<u64> {
        Ok(order.id + other.id)
    }
}

fn main() {}
