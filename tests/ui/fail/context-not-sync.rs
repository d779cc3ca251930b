use std::cell::Cell;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, vtask::JobContext)]
struct Order {
    cents: Cell<u64>,
}

fn main() {}
