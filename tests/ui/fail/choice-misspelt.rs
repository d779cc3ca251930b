struct Pay;

#[vtask::job]
impl Pay {
    #[step(retry = 1, on_exhausted = paus)]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
