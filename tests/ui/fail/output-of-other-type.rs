struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn book(&self, charge: &String) -> anyhow::Result<usize> {
        Ok(charge.len())
    }

    #[on_failure]
    async fn refund(&self, charge: Option<&String>) -> anyhow::Result<()> {
        let _ = charge;
        Ok(())
    }
}

fn main() {}
