use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Order {
    #[context(keywrod)]
    id: u64,
}

fn main() {}
