use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Order {
    #[context(key)]
    id: u64,
}

struct Pay;

#[vtask::job(name = "pay/now", concurrency = 0)]
impl Pay {
    #[step(retry = 3, retry = 4, delay = "5s")]
    async fn charge(&self, order: &mut Order) -> anyhow::Result<u64> {
        Ok(order.id)
    }

    #[step(period = "10m..5s", retry = 1)]
    async fn ship(&self, order: Order, charge: &mut u64) {}

    #[on_success]
    #[on_failure]
    async fn thank(&self, ship: Option<&u64>) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {}
