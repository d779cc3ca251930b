use std::cell::Cell;

struct Pay {
    cents: Cell<u64>,
}

#[vtask::job]
impl Pay {
    #[step]
    fn charge(&self) -> anyhow::Result<u64> {
        Ok(self.cents.get())
    }
}

fn main() {}
