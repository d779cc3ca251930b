type Charged = Option<u64>;

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> Charged {
        Some(1)
    }

    #[step]
    async fn book(&self, charge: &u64) -> anyhow::Result<()> {
        let _ = charge;
        Ok(())
    }
}

fn main() {}
