struct Pay {
    cents: u64,
}

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&mut self) -> anyhow::Result<u64> {
        self.cents += 1;
        Ok(self.cents)
    }
}

fn main() {}
