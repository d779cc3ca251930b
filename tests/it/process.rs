//! Programs that a test starts, talks with and kills.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// A program whose lines are read while it runs. It does not outlive the test.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    printed: String,
}

/// A line that has not come by then will not come.
const PATIENCE: Duration = Duration::from_secs(60);

impl Running {
    pub(crate) fn new(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let (sender, lines) = channel();
        let printed = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        std::thread::spawn(move || printed.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, printed: String::new() }
    }

    /// The next line, or `None` after the last.
    #[track_caller]
    fn next(&mut self) -> Option<String> {
        let line = match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => panic!("it prints nothing more after\n{}", self.printed),
        };
        self.printed += &line;
        self.printed += "\n";
        Some(line)
    }

    /// Reads on until a line begins like this, and answers it.
    #[track_caller]
    pub(crate) fn until(&mut self, start: &str) -> String {
        while let Some(line) = self.next() {
            if line.starts_with(start) {
                return line;
            }
        }
        panic!("it ended and did not print {start:?}:\n{}", self.printed);
    }

    /// Writes a line to its input, which has to be piped.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("its input is piped");
        writeln!(input, "{line}").expect("it reads what it is told");
    }

    /// Reads on to the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        while self.next().is_some() {}
        let status = self.child.wait().unwrap();
        (status, std::mem::take(&mut self.printed))
    }

    /// Reads on to a good end.
    #[track_caller]
    pub(crate) fn end_well(self) -> String {
        let (status, printed) = self.end();
        assert!(status.success(), "{status}:\n{printed}");
        printed
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Ends it as a machine that loses power does, and answers all that it had printed.
    #[track_caller]
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.end().1
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(kill.unwrap().success(), "it has ended before SIG{name}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, unless the test fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
