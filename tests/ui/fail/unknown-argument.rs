struct Pay;

#[vtask::job(nam = "pay")]
impl Pay {
    #[step(retries = 3)]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
