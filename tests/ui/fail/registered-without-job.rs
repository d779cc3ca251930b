struct Pay;

impl Pay {
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

fn start(client: &vtask::Client) {
    let _ = vtask::JobCenter::builder(client).register(Pay);
}

fn main() {}
