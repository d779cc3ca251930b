use std::cell::Cell;

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<Cell<u64>> {
        Ok(Cell::new(1))
    }
}

fn main() {}
