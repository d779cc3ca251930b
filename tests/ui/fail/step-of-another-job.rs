use vtask::{JobRun, job};

struct Pay;

#[job]
impl Pay {
    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

struct Ship;

#[job]
impl Ship {
    #[step]
    async fn pack(&self) -> anyhow::Result<u64> {
        Ok(1)
    }
}

async fn again(run: &JobRun<Pay>) -> anyhow::Result<()> {
    run.restart(Ship::PACK).await?;
    run.restart(Pay::CHARG).await?;
    let text: Option<String> = run.output(Pay::CHARGE).await?;
    drop(text);
    Ok(())
}

fn main() {}
