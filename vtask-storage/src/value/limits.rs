//! How large things may be.

/// How large the parts of a job may be, in bytes; checked before any SQL is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A keyword.
    pub keyword: usize,
    /// A host, the name of a job or of a step.
    pub name: usize,
    /// The data of a context, as JSON.
    pub input: usize,
    /// One output, as JSON.
    pub output: usize,
    /// Everything in one row together.
    pub row: usize,
    /// The text of an error; a longer one is cut.
    pub error: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keyword: 255, name: 64, input: 1 << 20, output: 1 << 20, row: 4 << 20, error: 8 << 10 }
    }
}
