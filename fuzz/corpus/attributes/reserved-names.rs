impl A {
    #[step]
    async fn data(&self) -> R<u8> {}
    #[step]
    async fn ship(&self) -> R<u8> {}
    #[step]
    async fn Ship(&self) -> R<u8> {}
}
