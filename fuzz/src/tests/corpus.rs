//! The texts that are kept.

use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The kept texts of one target, by file name.
pub(super) struct Corpus(Vec<(String, String)>);

impl Corpus {
    pub(super) fn read(target: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let paths = entries.map(|entry| entry.unwrap().path());
        // What has no extension was found by libFuzzer here, and is not kept.
        let kept = paths.filter(|path| path.extension().is_some());
        let mut files: Vec<_> =
            kept.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect();
        files.sort();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        Self(files)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(file, text)| (file.as_str(), text.as_str()))
    }

    pub(super) fn texts(&self) -> Arc<[Vec<char>]> {
        self.0.iter().map(|(_, text)| text.chars().collect()).collect()
    }
}
