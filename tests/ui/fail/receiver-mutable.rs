struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&mut self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
