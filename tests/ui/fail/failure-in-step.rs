use vtask::JobFailure;

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self, failure: &JobFailure) -> anyhow::Result<String> {
        Ok(failure.to_string())
    }
}

fn main() {}
