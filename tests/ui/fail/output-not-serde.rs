struct Receipt;

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<Receipt> {
        Ok(Receipt)
    }

    #[step]
    async fn book(&self, charge: &Receipt) -> anyhow::Result<()> {
        let _ = charge;
        Ok(())
    }
}

fn main() {}
