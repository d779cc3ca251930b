//- all at once
#[job(nam = "x", concurrency = 0, retry = 3, retry = 4, crate = "vtask")]
impl A {
    #[step(retry = "always", period = 5, timeout = "5", on_exhausted = "pause", name = x, was = 1, describe = 2)]
    async fn one(&self) -> R<u8> {}
    #[step(retries = 3, delay = "5s", retry, period = , timeout("5s"))]
    async fn two(&self) -> R<u8> {}
    #[step(retry = 3 period = "1s", on_exhausted = puase)]
    async fn three(&self) -> R<u8> {}
}
//- values without keys
#[job("place_order")]
impl A {
    #[step("ship", retry = 1, 3)]
    async fn a(&self) -> R<u8> {}
}
//- retry
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
//- period without retry
impl A {
    #[step(period = "1s")]
    async fn a(&self) -> R<u8> {}
    #[step(retry = wrong, period = "1s")]
    async fn b(&self) -> R<u8> {}
    #[on_success(period = "1s")]
    async fn c(&self) -> R<()> {}
}
//- on_exhausted of a step that is tried for ever
#[job(retry = always)]
impl A {
    #[step(on_exhausted = pause)]
    async fn a(&self) -> R<u8> {}
    #[step(retry = 3, on_exhausted = pause)]
    async fn b(&self) -> R<u8> {}
    #[step(retry = always, on_exhausted = fial)]
    async fn c(&self) -> R<u8> {}
}
//- the period of a job whose steps never retry
#[job(period = "1s")]
impl A {
    #[step(retry = 0)]
    async fn a(&self) -> R<u8> {}
}
//- the retry of the job is the default
#[job(retry = 3)]
impl A {
    #[step(period = "1s")]
    async fn a(&self) -> R<u8> {}
    #[step(retry = 0, period = "1s")]
    async fn b(&self) -> R<u8> {}
}
//- timeout of a blocking step
#[job(timeout = "1s")]
impl A {
    #[step(timeout = "1s")]
    fn a(&self) -> R<u8> {}
    #[step]
    fn b(&self) -> R<u8> {}
}
//- callbacks have no names
impl A {
    #[step]
    async fn a(&self) -> R<u8> {}
    #[on_success(name = "x", on_exhausted = fail)]
    async fn b(&self) -> R<()> {}
}
//- migrate is a path
#[job(migrate = "mend")]
impl A {
    #[step]
    async fn a(&self) -> R<u8> {}
}
//- migrate is no call
#[job(migrate = mend())]
impl A {
    #[step]
    async fn a(&self) -> R<u8> {}
}
