struct Pay;

#[vtask::job]
impl Pay {
    #[step(name = "$original")]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn book(&self) -> dyn std::any::Any {
        1
    }
}

fn main() {}
