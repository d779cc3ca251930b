#[job(crate = my::vtask, retry = always, period = "1s", timeout = "1h 30m")]
#[cfg(unix)]
impl super::Nightly {
    #[vtask::step]
    pub(crate) fn first(&self) -> std::io::Result<Self> { todo!() }
    #[step(describe = "Says so.", retry = 0)]
    async fn second(&self, first: &super::Nightly) -> anyhow::Result<()> { todo!() }
    #[on_failure(timeout = "1s")]
    async fn failed(&self) -> anyhow::Result<()> { todo!() }
}
