trait Bank {
    fn charge(&self) -> u64;
}

struct Pay<B> {
    bank: B,
}

#[vtask::job]
impl<B: Bank> Pay<B> {
    #[step]
    fn charge(&self) -> anyhow::Result<u64> {
        Ok(self.bank.charge())
    }
}

fn main() {}
