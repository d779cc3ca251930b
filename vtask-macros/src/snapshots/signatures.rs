//- receivers
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
//- qualifiers
impl A {
    #[step]
    const fn a(&self) -> R<u8> {}
    #[step]
    async unsafe fn b(&self) -> R<u8> {}
    #[step]
    extern "C" fn c(&self) -> R<u8> {}
    #[step]
    async fn d<'a, T>(&self) -> R<T> where T: X {}
    #[step]
    async fn e(&self) -> R<T> where A: X {}
    #[step]
    #[cfg(unix)]
    #[cfg_attr(unix, x)]
    async fn f(&self, #[cfg(unix)] attempt: &Attempt) -> R<u8> {}
}
//- outputs
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
