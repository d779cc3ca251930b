struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    #[on_success]
    async fn thank(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {}
