use std::sync::Mutex;

struct Pay {
    cents: Mutex<u64>,
}

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        let cents = self.cents.lock().unwrap();
        tokio::task::yield_now().await;
        Ok(*cents)
    }
}

fn main() {}
