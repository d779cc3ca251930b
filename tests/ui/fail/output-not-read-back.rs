struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<&'static str> {
        Ok("paid")
    }
}

fn main() {}
