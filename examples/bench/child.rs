//! A process of this program that works while this one measures.

use std::process::Stdio;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::jobs::PATIENCE;

/// Such a process. It is killed when this is dropped.
pub(crate) struct Child {
    process: Process,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts one that works on this database, and waits until it does.
    pub(crate) async fn start(what: &str, number: usize, url: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(what).arg(number.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().context("this program does not start once more")?;
        let input = process.stdin.take().context("its input is piped")?;
        let lines = BufReader::new(process.stdout.take().context("its output is piped")?).lines();
        let mut child = Self { process, input, lines };
        child.tell(url).await?;
        child.until("ready").await?;
        Ok(child)
    }

    pub(crate) async fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        Ok(self.input.write_all(format!("{line}\n").as_bytes()).await?)
    }

    /// The next line that it prints.
    pub(crate) async fn line(&mut self) -> anyhow::Result<String> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.with_context(|| format!("the process that works says nothing for {PATIENCE:?}"))?;
        line?.context("the process that works has ended")
    }

    /// Waits for this line.
    pub(crate) async fn until(&mut self, expected: &str) -> anyhow::Result<()> {
        while self.line().await? != expected {}
        Ok(())
    }

    /// Has it end.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        drop(self.input);
        let status = self.process.wait().await?;
        anyhow::ensure!(status.success(), "the process that works has ended with {status}");
        Ok(())
    }
}
