//- names
#[job(name = "a/b", was = ["", "x", "x"])]
impl A {
    #[step(name = "a\nb")]
    async fn a(&self) -> R<u8> {}
    #[step(name = "0123456789012345678901234567890123456789012345678901234567890123456789")]
    async fn b(&self) -> R<u8> {}
    #[step]
    async fn a_very_long_name_of_a_step_that_nobody_would_ever_write_down_in_full(&self) -> R<u8> {}
    #[step(was = "d")]
    async fn c(&self) -> R<u8> {}
    #[step]
    async fn d(&self) -> R<u8> {}
}
//- reserved, and equal constants
impl A {
    #[step]
    async fn data(&self) -> R<u8> {}
    #[step]
    async fn ship(&self) -> R<u8> {}
    #[step]
    async fn Ship(&self) -> R<u8> {}
}
//- constants that are something else already
impl A {
    const SHIP: &'static str = "dhl";
    #[step]
    async fn ship(&self) -> R<u8> {}
    #[step]
    async fn _1(&self) -> R<u8> {}
    #[step]
    async fn pay(&self) -> R<u8> {}
    fn PAY() {}
}
//- data that is called as what is generated
impl Place {
    #[step]
    async fn ship(&self, data: &PlaceContext) -> R<u8> {}
}
//- marks by a path, of a crate of another name
#[job(crate = ::jobs)]
impl A {
    #[jobs::step(name = "")]
    async fn a(&self) -> R<u8> {}
    #[vtask::step(name = "")]
    async fn b(&self) -> R<u8> {}
    #[other::step(name = "")]
    async fn c(&self) -> R<u8> {}
}
//- callbacks of one kind, and a method of two
impl A {
    #[step]
    #[on_failure]
    async fn a(&self) -> R<u8> {}
    #[on_success]
    async fn b(&self) -> R<u8> {}
    #[on_success]
    async fn c(&self) -> R<u8> {}
}
