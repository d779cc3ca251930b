#[job(nam = "x", concurrency = 0, retry = 3, retry = 4, crate = "vtask")]
impl A {
    #[step(retry = "always", period = 5, timeout = "5", on_exhausted = "pause", name = x, was = 1, describe = 2)]
    async fn one(&self) -> R<u8> {}
    #[step(retries = 3, delay = "5s", retry, period = , timeout("5s"))]
    async fn two(&self) -> R<u8> {}
    #[step(retry = 3 period = "1s", on_exhausted = puase)]
    async fn three(&self) -> R<u8> {}
}
