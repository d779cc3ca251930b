struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn book(&self, charge: u64) -> anyhow::Result<u64> {
        Ok(charge)
    }

    #[on_failure]
    async fn refund(&self, charge: &u64) -> anyhow::Result<()> {
        let _ = charge;
        Ok(())
    }
}

fn main() {}
