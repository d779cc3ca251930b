struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<impl Clone> {
        Ok(1)
    }
}

fn main() {}
