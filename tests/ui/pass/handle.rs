//! What a handle, its builders and the constants of the steps are used for.

use std::time::{Duration, SystemTime};

use vtask::{Client, InvokeError, JobCenter, JobHandle, JobRun, Step, job};

/// A job without data.
#[derive(Clone, Copy)]
pub struct Nightly;

#[job]
impl Nightly {
    #[step]
    fn sweep(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn report(&self, sweep: &u64) -> anyhow::Result<String> {
        Ok(sweep.to_string())
    }
}

/// The steps, with the types of their outputs.
pub const STEPS: (Step<Nightly, u64>, Step<Nightly, String>) = (Nightly::SWEEP, Nightly::REPORT);

/// Waits for the builders in every way.
///
/// # Errors
///
/// What the client says.
pub async fn invoke(client: &Client) -> anyhow::Result<String> {
    let nightly = NightlyHandle::new(client);
    let same: JobHandle<Nightly> = nightly.clone();
    let (one, two) = tokio::join!(nightly.invoke(()), same.invoke(()).keyword("two"));
    let three: JobRun<Nightly> =
        tokio::time::timeout(Duration::from_secs(1), nightly.invoke(()).delay(Duration::from_secs(1))).await??;
    let four = nightly.invoke(()).at(SystemTime::now()).reject_other_input();
    let four: Result<JobRun<Nightly>, InvokeError> = tokio::spawn(async move { four.await }).await?;
    let many = nightly.invoke_many([(), ()]).await;
    anyhow::ensure!(one?.created() && two?.same_input() && four?.created() && many.len() == 2, "not new");
    let sweep: Option<u64> = three.output(Nightly::SWEEP).await?;
    three.restart(Nightly::REPORT).data(()).await?;
    let NightlyContext { data: (), sweep: again, report } = three.context().await?;
    anyhow::ensure!(sweep == again && report.is_some(), "not the same");
    Ok(three.wait().await?)
}

/// Starts a center.
///
/// # Errors
///
/// What the center says.
pub async fn start(client: &Client) -> anyhow::Result<JobCenter> {
    Ok(crate::private::center(client).register(Nightly).start().await?)
}
