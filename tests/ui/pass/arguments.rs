//! Every argument of every attribute.

use vtask::job;

/// A job that is documented here and not on its block.
pub struct Everything;

#[job(
    name = "everything",
    was = "all",
    concurrency = 8,
    retry = 2,
    period = "1s..1m",
    timeout = "1h 30m",
    crate = ::vtask
)]
impl Everything {
    #[step(
        retry = 0,
        timeout = "1ms",
        on_exhausted = fail,
        name = "first",
        was = ["one", "uno"],
        describe = "Comes first."
    )]
    async fn one(&self) -> anyhow::Result<()> {
        Ok(())
    }

    #[step(retry = always, period = "5s", was = "zwei")]
    async fn two(&self) -> anyhow::Result<()> {
        Ok(())
    }

    #[vtask::step]
    fn three(&self) -> anyhow::Result<()> {
        Ok(())
    }

    #[on_success(retry = 5, period = "1s", timeout = "10s", describe = "Is glad.")]
    async fn succeeded(&self) -> anyhow::Result<()> {
        Ok(())
    }

    #[vtask::on_failure(retry = always, period = "1s..2s", timeout = "10s", describe = "Is sad.")]
    async fn failed(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// A job with several former names, and with callbacks that block.
pub struct Renamed;

#[job(was = ["former", "earlier"])]
impl Renamed {
    #[step]
    fn only(&self) -> anyhow::Result<u8> {
        Ok(1)
    }

    #[on_success]
    fn succeeded(&self, only: &u8) -> anyhow::Result<()> {
        anyhow::ensure!(*only > 0, "nothing");
        Ok(())
    }

    #[on_failure]
    fn failed(&self, only: Option<&u8>) -> anyhow::Result<()> {
        anyhow::ensure!(only.is_none(), "something");
        Ok(())
    }
}
