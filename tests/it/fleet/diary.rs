//! What several processes do, in the order in which they do it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

/// A file to which processes append whole lines; what one has written survives its death.
#[derive(Clone)]
pub(super) struct Diary {
    path: PathBuf,
    _folder: Option<Arc<TempDir>>,
}

impl Diary {
    /// An empty one that lives as long as the test.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { path: folder.path().join("diary"), _folder: Some(Arc::new(folder)) }
    }

    /// One that another process has made.
    pub(super) fn of(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), _folder: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn add(&self, line: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path).unwrap();
        // In one piece, so that the lines of two processes do not mix.
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Where the processes log to.
    pub(super) fn log(&self) -> File {
        OpenOptions::new().append(true).create(true).open(self.path.with_extension("log")).unwrap()
    }

    /// What they have logged.
    pub(super) fn log_lines(&self) -> Vec<String> {
        let text = std::fs::read(self.path.with_extension("log")).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    pub(super) fn has(&self, line: &str) -> bool {
        self.lines().iter().any(|other| other == line)
    }
}
