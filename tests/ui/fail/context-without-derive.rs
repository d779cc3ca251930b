#[derive(serde::Serialize, serde::Deserialize)]
struct Order {
    cents: u64,
}

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, order: &mut Order) -> anyhow::Result<u64> {
        order.cents += 1;
        Ok(order.cents)
    }
}

fn main() {}
