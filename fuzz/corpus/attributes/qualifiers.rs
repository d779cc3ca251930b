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
