#![deny(unused_must_use)]

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

async fn pay(client: &vtask::Client) {
    PayHandle::new(client).invoke(());
    PayHandle::new(client).invoke_many([(), ()]);
}

fn main() {}
