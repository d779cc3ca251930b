use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Order {
    cents: u64,
}

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Parcel {
    grams: u64,
}

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, order: &Order) -> anyhow::Result<u64> {
        Ok(order.cents)
    }

    #[step]
    async fn ship(&self, parcel: &Parcel) -> anyhow::Result<u64> {
        Ok(parcel.grams)
    }
}

fn main() {}
