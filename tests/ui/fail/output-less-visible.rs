pub struct Pay;

#[derive(serde::Serialize, serde::Deserialize)]
struct Receipt;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<Receipt> {
        Ok(Receipt)
    }
}

fn main() {}
