//- a body that does not parse yet
#[job]
impl A {
    #[step]
    async fn one(&self) -> anyhow::Result<u8> { self. }
}
//- a signature that does not parse yet
#[job]
impl A {
    #[vtask::step(retry = )]
    async fn one(&self, ) -> { self. }
    #[inline]
    fn helper(&self) {}
}
