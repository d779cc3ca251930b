use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Order {
    #[context]
    id: u64,
}

fn main() {}
