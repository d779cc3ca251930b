#[derive(Debug)]
enum PayError {
    NoMoney,
}

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> Result<u64, PayError> {
        Err(vtask::stop("nothing to pay"))
    }
}

impl std::fmt::Display for PayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no money")
    }
}

impl std::error::Error for PayError {}

fn main() {}
