struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn ship(&self, charge: Option<&u64>) -> anyhow::Result<u64> {
        Ok(charge.copied().unwrap_or(0))
    }
}

fn main() {}
