//- outputs
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
//- what the engine lends
impl A {
    #[step]
    async fn a(&self, failure: &JobFailure, tx: &sea_orm::DatabaseTransaction) -> R<u8> {}
    #[step]
    fn b(&self, tx: &DatabaseTransaction, attempt: &'static Attempt) -> R<u8> {}
    #[on_failure]
    async fn c(&self, tx: &DatabaseTransaction, failure: JobFailure) -> R<()> {}
}
//- patterns
impl A {
    #[step]
    async fn a(&self, Order { id, .. }: &Order, _: &Attempt, mut x: &Order, ref y: &Order) -> R<u8> {}
}
//- order of steps
impl A {
    #[step]
    async fn charge(&self, ship: &Tracking, order: &Order) -> R<u8> {}
    #[step]
    async fn ship(&self, ship: &Tracking) -> R<u8> {}
}
//- two left over
impl A {
    #[step]
    async fn charge(&self, order: &Order) -> R<u8> {}
    #[step]
    async fn ship(&self, charg: &Receipt, order: &Order, other: &Other) -> R<u8> {}
    #[on_failure]
    async fn refund(&self, chrge: Option<&Receipt>, order: &Order) -> R<()> {}
}
//- the context differs
impl A {
    #[step]
    async fn charge(&self, order: &Order) -> R<u8> {}
    #[step]
    async fn ship(&self, charg: &Receipt) -> R<u8> {}
    #[step]
    async fn pack(&self, order: Order) -> R<u8> {}
}
//- a step named like the context
impl A {
    #[step]
    async fn charge(&self, order: &Order) -> R<u8> {}
    #[step]
    async fn order(&self, order: &Order) -> R<u8> {}
}
//- a context that borrows
impl A {
    #[step]
    async fn charge(&self, order: &Order<'_>) -> R<u8> {}
}
//- right
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
