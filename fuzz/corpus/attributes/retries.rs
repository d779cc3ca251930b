impl A {
    #[step(retry = -1)]
    async fn a(&self) -> R<u8> {}
    #[step(retry = 1_000_001)]
    async fn b(&self) -> R<u8> {}
    #[step(retry = "3")]
    async fn c(&self) -> R<u8> {}
    #[step(retry = alwys)]
    async fn d(&self) -> R<u8> {}
    #[step(retry = 1.5)]
    async fn e(&self) -> R<u8> {}
    #[step(retry = "often")]
    async fn f(&self) -> R<u8> {}
    #[step = 3]
    async fn g(&self) -> R<u8> {}
}
