struct Pay;

#[vtask::job]
impl Pay {
    #[step(retry = 3, period = "10m..5s")]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
