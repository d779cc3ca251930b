pub struct Pay;

#[derive(serde::Serialize, serde::Deserialize, vtask::JobContext)]
struct Order {
    cents: u64,
}

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, order: &Order) -> anyhow::Result<u64> {
        Ok(order.cents)
    }
}

fn main() {}
