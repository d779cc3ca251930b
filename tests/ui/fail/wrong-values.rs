struct Pay;

#[vtask::job]
impl Pay {
    #[step(retry = "always", period = 5, timeout = "30", on_exhausted = paus)]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step(period = "1s")]
    async fn book(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step(timeout = "1s")]
    fn print(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
