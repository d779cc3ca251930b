use std::rc::Rc;

struct Pay;

#[vtask::job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        let cents = Rc::new(1);
        tokio::task::yield_now().await;
        Ok(*cents)
    }
}

fn main() {}
