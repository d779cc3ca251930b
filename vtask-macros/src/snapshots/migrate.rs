//- a path
#[job(migrate = crate::former::mend)]
impl PlaceOrder {
    #[step]
    async fn charge(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

