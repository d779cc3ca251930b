//! The wish of whoever started this that it should end.

use tokio::task::JoinHandle;

/// It is listened for from the beginning, so that nothing that was made is left.
pub(crate) struct Interrupt(JoinHandle<std::io::Result<()>>);

impl Interrupt {
    pub(crate) fn listen() -> Self {
        Self(tokio::spawn(told_to_end()))
    }

    /// Does this work, unless it is to end.
    pub(crate) async fn or(&mut self, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            _ = &mut self.0 => Err(anyhow::anyhow!("interrupted")),
            done = work => done,
        }
    }
}

#[cfg(unix)]
pub(crate) async fn told_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
pub(crate) async fn told_to_end() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
