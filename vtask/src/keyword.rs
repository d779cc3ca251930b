//! The global identity of a job.

use vtask_storage::value::Limits;

/// Why a text cannot be a keyword.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeywordError {
    /// It has no character, or the fields of the data that make it have none.
    #[error("the keyword is empty: give it at least one character")]
    Empty,
    /// It does not fit its column.
    #[error("keyword {keyword:?} has {bytes} bytes, the limit is {limit}: hash the long part")]
    TooLong {
        /// The keyword.
        keyword: String,
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// It holds the character NUL, which PostgreSQL does not store.
    #[error("keyword {keyword:?} holds the character NUL: take it out")]
    Nul {
        /// The keyword.
        keyword: String,
    },
}

/// Checks a keyword as it would be stored.
pub(crate) fn check(keyword: &str, limits: &Limits) -> Result<(), KeywordError> {
    if keyword.is_empty() {
        return Err(KeywordError::Empty);
    }
    if keyword.len() > limits.keyword {
        let (bytes, limit) = (keyword.len(), limits.keyword);
        return Err(KeywordError::TooLong { keyword: keyword.to_owned(), bytes, limit });
    }
    if keyword.contains('\0') {
        return Err(KeywordError::Nul { keyword: keyword.to_owned() });
    }
    Ok(())
}

/// Checks the fields of data that declares its keyword: all that left them empty would be one job.
pub(crate) fn check_parts(parts: &[String]) -> Result<(), KeywordError> {
    let is_empty = !parts.is_empty() && parts.iter().all(String::is_empty);
    if is_empty { Err(KeywordError::Empty) } else { Ok(()) }
}

/// The keyword of data that declares it: the job's oldest name and the values of its fields; `None` where it has no such fields.
///
/// With several fields a `/` in a value is written `%2F`, so that two different lists never make one keyword.
pub(crate) fn declared(name: &str, parts: &[String]) -> Option<String> {
    match parts {
        [] => None,
        [single] => Some(format!("{name}/{single}")),
        several => {
            let escaped: Vec<String> =
                several.iter().map(|part| part.replace('%', "%25").replace('/', "%2F")).collect();
            Some(format!("{name}/{}", escaped.join("/")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_fields_make_different_keywords() {
        let keyword = |parts: &[&str]| declared("job", &parts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(keyword(&[]), None);
        assert_eq!(keyword(&["7"]).as_deref(), Some("job/7"));
        assert_eq!(keyword(&["a/b"]).as_deref(), Some("job/a/b"));
        assert_ne!(keyword(&["a/b", "c"]), keyword(&["a", "b/c"]));
        assert_ne!(keyword(&["a%2Fb", "c"]), keyword(&["a/b", "c"]));
    }

    #[test]
    fn fields_that_are_all_empty_make_no_keyword() {
        let checked = |parts: &[&str]| check_parts(&parts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(checked(&[]), Ok(()));
        assert_eq!(checked(&["", "7"]), Ok(()));
        assert_eq!(checked(&[""]), Err(KeywordError::Empty));
        assert_eq!(checked(&["", ""]), Err(KeywordError::Empty));
    }

    #[test]
    fn limit_counts_bytes() {
        let limits = Limits::default();
        assert_eq!(check(&"é".repeat(127), &limits), Ok(()));
        assert!(matches!(check(&"é".repeat(128), &limits), Err(KeywordError::TooLong { bytes: 256, .. })));
        assert_eq!(check("", &limits), Err(KeywordError::Empty));
        assert!(matches!(check("a\0", &limits), Err(KeywordError::Nul { .. })));
    }
}
