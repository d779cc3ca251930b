impl A {
    #[step]
    async fn a(&self) {}
    #[step]
    async fn b(&self) -> Option<u8> {}
    #[step]
    async fn c(&self) -> R<&str> {}
    #[step]
    async fn d(&self) -> R<impl X> {}
    #[step]
    async fn e(&self) -> R<Cow<'_, str>> {}
    #[step]
    async fn f(&self) -> R<u8, &'static str> {}
    #[step]
    async fn static_output(&self) -> R::Result<Vec<&'static str>> {}
    #[on_success]
    async fn g(&self) -> () {}
}
