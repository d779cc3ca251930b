struct Pay;

#[vtask::job]
impl Pay {
    #[step(timeout = "1s")]
    fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn main() {}
