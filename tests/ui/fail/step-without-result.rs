struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) {}

    #[step]
    async fn book(&self) -> Option<u64> {
        None
    }

    #[step]
    async fn print(&self) -> anyhow::Result<&str> {
        Ok("printed")
    }
}

fn main() {}
