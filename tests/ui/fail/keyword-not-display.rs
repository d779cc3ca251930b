use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Order {
    #[context(keyword)]
    id: Vec<u8>,
}

fn main() {}
