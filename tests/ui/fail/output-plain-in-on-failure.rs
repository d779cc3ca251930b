struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[on_failure]
    async fn refund(&self, charge: &u64) -> anyhow::Result<()> {
        drop(*charge);
        Ok(())
    }
}

fn main() {}
