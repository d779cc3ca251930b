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
