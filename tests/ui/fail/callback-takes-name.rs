struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[on_success(name = "praise")]
    async fn thank(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {}
