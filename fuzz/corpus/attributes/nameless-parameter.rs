#[job]
impl<_, T,> Order<T> {
    #[step]
    async fn first(&self) -> anyhow::Result<u8> { Ok(0) }
}
