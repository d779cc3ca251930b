struct Attempt;

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, attempt: &Attempt) -> anyhow::Result<u64> {
        let _ = attempt;
        Ok(1)
    }
}

fn main() {}
