impl A {
    #[step]
    async fn a(&mut self) -> R<u8> {}
    #[step]
    async fn b(self) -> R<u8> {}
    #[step]
    async fn c(self: &Self) -> R<u8> {}
    #[step]
    async fn d(order: &Order) -> R<u8> {}
    #[step]
    async fn e(&'a self) -> R<u8> {}
}
