struct Receipt;

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<Receipt> {
        Ok(Receipt)
    }
}

fn main() {}
