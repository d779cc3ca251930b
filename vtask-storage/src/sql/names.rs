//! The names of the tables.

use std::fmt;

use crate::error::ConnectError;

/// What the names of the tables begin with; empty unless the user has a table `task` of his own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    /// The longest prefix that leaves room for every name; PostgreSQL cuts names at 63 bytes.
    const LONGEST: usize = 32;

    /// Takes what is the same name in every database: letters of one case need no quotes anywhere.
    pub(crate) fn new(prefix: &str) -> Result<Self, ConnectError> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins_well = prefix.bytes().next().is_none_or(|first| first.is_ascii_lowercase());
        if prefix.len() > Self::LONGEST || !begins_well || !prefix.bytes().all(is_name) {
            return Err(ConnectError::TablePrefix { prefix: prefix.to_owned() });
        }
        Ok(Self { prefix: prefix.to_owned() })
    }

    /// The text with each `{prefix}` in its place.
    pub(crate) fn fill(&self, sql: &str) -> String {
        sql.replace("{prefix}", &self.prefix)
    }

    pub(crate) fn migrations(&self) -> String {
        self.fill("{prefix}vtask_migrations")
    }

    /// The tables of users' interest.
    pub(crate) fn tables(&self) -> [String; 2] {
        [self.fill("{prefix}task"), self.fill("{prefix}task_node")]
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_is_a_name_that_needs_no_quotes() {
        for good in ["", "a", "billing_", "a1_"] {
            assert!(Names::new(good).is_ok(), "{good:?}");
        }
        for bad in ["1a", "_a", "Billing_", "a-b", "a;", "a`", "ä", &"a".repeat(33)] {
            assert!(Names::new(bad).is_err(), "{bad:?}");
        }
    }
}
