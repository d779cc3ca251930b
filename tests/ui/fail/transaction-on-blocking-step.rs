struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    fn charge(&self, tx: &sea_orm::DatabaseTransaction) -> anyhow::Result<u64> {
        { let _ = tx; Ok(1) }
    }
}

fn main() {}
