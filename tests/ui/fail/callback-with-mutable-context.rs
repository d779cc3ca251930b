use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Order {
    id: u64,
}

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, order: &Order) -> anyhow::Result<u64> {
        Ok(order.id)
    }

    #[on_success]
    async fn thank(&self, order: &mut Order) -> anyhow::Result<()> {
        order.id += 1;
        Ok(())
    }
}

fn main() {}
