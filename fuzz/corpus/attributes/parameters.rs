impl A {
    #[step]
    async fn charge(&self, _order: &Order, attempt: &Attempt) -> R<u8> {}
    #[step]
    async fn ship(&self, tx: &DatabaseTransaction, o: &mut Order, _charge: &u8) -> R<u8> {}
    #[step]
    async fn nothing(&self) -> R<u8> {}
    #[on_failure]
    async fn refund(&self, ship: Option<&u8>, failure: &JobFailure) -> R<()> {}
}
