struct Pay;

#[vtask::job(name = "pay")]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

#[vtask::job(name = "pay_back")]
impl Pay {
    #[step]
    async fn refund(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
