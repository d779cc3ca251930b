struct Pay;

#[vtask::job]
impl Pay {
    #[step(retry = 3, retry = 4)]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
