#[job(concurrency = 8, retry = 2, was = ["old"])]
impl<B, const N: usize> Pay<B, N>
where
    B: Bank,
{
    /// Not a step.
    pub const MANY: usize = { N };

    /// Charges.
    #[step]
    pub async fn charge(&self, bill: &mut Bill<B::Receipt>, tx: &DatabaseTransaction) -> Outcome<B::Receipt> {
        let _ = tx;
        bill.0 += 1;
        Ok(self.0.charge())
    }
    /// Is a keyword.
    #[step(name = "type", was = "kind", on_exhausted = pause)]
    pub fn r#type(&self, _charge: &B::Receipt) -> Result<u8, &'static str> {
        self.helper().then_some(1).ok_or("no")
    }
    /// Names itself.
    #[step]
    pub async fn me(&self, r#type: &u8) -> Outcome<Option<<Self as vtask::Job>::Data>> {
        let _ = r#type;
        Ok(None)
    }

    const fn helper(&self) -> bool {
        let _ = &self.0;
        Self::MANY > 3
    }
}
