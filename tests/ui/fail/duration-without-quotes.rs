struct Pay;

#[vtask::job]
impl Pay {
    #[step(timeout = 5)]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
