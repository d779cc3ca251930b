struct Pay;

#[vtask::job]
impl Pay {
    #[step(timeout = "999999999999999999 weeks")]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
