impl A {
    #[step]
    async fn a(&self, failure: &JobFailure, tx: &sea_orm::DatabaseTransaction) -> R<u8> {}
    #[step]
    fn b(&self, tx: &DatabaseTransaction, attempt: &'static Attempt) -> R<u8> {}
    #[on_failure]
    async fn c(&self, tx: &DatabaseTransaction, failure: JobFailure) -> R<()> {}
}
