#[job]
impl A {
    #[vtask::step(retry = )]
    async fn one(&self, ) -> { self. }
    #[inline]
    fn helper(&self) {}
}
