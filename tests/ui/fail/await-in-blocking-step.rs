struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    fn charge(&self) -> anyhow::Result<u64> {
        tokio::task::yield_now().await;
        Ok(1)
    }
}

fn main() {}
