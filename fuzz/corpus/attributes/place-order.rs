#[job(name = "place_order")]
impl PlaceOrder {
    /// Charges the card.
    #[step(retry = 3, period = "1s")]
    async fn charge(&self, order: &mut Order, attempt: &Attempt) -> anyhow::Result<Receipt> {
        let _ = attempt;
        order.cents += 1;
        Ok(Receipt(order.cents))
    }
    #[step(retry = always, period = "5s..10m", timeout = "30s")]
    async fn ship(&self, order: &Order, charge: &Receipt) -> anyhow::Result<Tracking> {
        let _ = (order.id, charge.0);
        Ok(Tracking)
    }
    #[on_success(retry = 5)]
    async fn thank(&self, order: &Order, ship: &Tracking, attempt: &Attempt) -> anyhow::Result<()> {
        let _ = (order, ship, attempt);
        Ok(())
    }
    #[on_failure]
    async fn refund(&self, charge: Option<&Receipt>, failure: &JobFailure) -> anyhow::Result<()> {
        let _ = (charge, failure);
        Ok(())
    }
}
