struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, order: &mut Ordr) -> anyhow::Result<Receit> {
        Ok(order.charge())
    }

    #[step]
    async fn book(&self, order: &Ordr, charge: &Receit) -> anyhow::Result<()> {
        order.book(charge)
    }
}

fn main() {}
