#[derive(Debug)]
enum PayError {
    NoMoney,
}

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> Result<u64, PayError> {
        Err(PayError::NoMoney)
    }
}

fn main() {}
