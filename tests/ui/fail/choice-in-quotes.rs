struct Pay;

#[vtask::job]
impl Pay {
    #[step(retry = "always")]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
