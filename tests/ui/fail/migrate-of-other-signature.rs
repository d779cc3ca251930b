use vtask::job;

struct Invoice;

fn mend(data: serde_json::Value) -> anyhow::Result<serde_json::Value> {
    Ok(data)
}

#[job(migrate = mend)]
impl Invoice {
    #[step]
    async fn charge(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {}
