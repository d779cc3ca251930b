impl A {
    #[step]
    async fn charge(&self, order: &mut Order) -> R<u8> {}
    #[step]
    async fn ship(&self, charge: &mut Receipt, _charge: Receipt, order: &Order) -> R<u8> {}
    #[step]
    async fn pack(&self, charge: Option<&Receipt>, attempt: Attempt, attempt2: &mut vtask::Attempt) -> R<u8> {}
    #[on_success]
    async fn thank(&self, ship: Option<&Tracking>, order: &mut Order) -> R<()> {}
    #[on_failure]
    async fn refund(&self, charge: &Receipt, ship: Option<&mut Tracking>, pack: Option<&Pack>) -> R<()> {}
}
