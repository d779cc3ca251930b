struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge<T>(&self, value: &T) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
