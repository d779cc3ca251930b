struct Pay;

#[vtask::job(name = "pay/now")]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
