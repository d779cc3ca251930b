struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, book: &u64) -> anyhow::Result<u64> {
        Ok(*book)
    }

    #[step]
    async fn book(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
