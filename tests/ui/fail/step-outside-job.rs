struct Pay;

impl Pay {
    #[vtask::step(retry = 3)]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
