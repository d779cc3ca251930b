//! A value that does not show itself.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The key under which a secret is stored, so that whatever shows a row can leave out its value.
pub(crate) const MARK: &str = "$secret";

/// A value that never shows itself: not in `Debug`, logs or errors.
///
/// It is stored as `{"$secret": …}`, readable by whoever reads the table, also through
/// [`JobRun<Json>::data`](crate::JobRun::data). Where data held a plain value before it became
/// a `Secret`, the plain value is read too.
///
/// ```
/// use vtask::Secret;
///
/// let card = Secret::new("4111 1111 1111 1111".to_owned());
/// assert_eq!(format!("{card:?}"), "Secret(…)");
/// assert!(card.expose().starts_with("4111"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the moment it is used.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value, no longer a secret.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Serialize)]
struct Stored<'a, T> {
    #[serde(rename = "$secret")]
    secret: &'a T,
}

impl<T: Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored { secret: &self.0 }.serialize(serializer)
    }
}

/// Neither form's error names the value: serde only says that no variant matched.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a secret that does not decode")]
enum Either<T> {
    Marked {
        #[serde(rename = "$secret")]
        secret: T,
    },
    Plain(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Either::deserialize(deserializer).map(|(Either::Marked { secret } | Either::Plain(secret))| Self(secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_stored_under_its_mark() {
        let json = serde_json::to_string(&Secret::new(7)).unwrap();
        assert_eq!(json, r#"{"$secret":7}"#);
        assert_eq!(serde_json::from_str::<Secret<i32>>(&json).unwrap(), Secret::new(7));
        assert_eq!(serde_json::from_str::<Secret<i32>>("7").unwrap(), Secret::new(7));
    }

    #[test]
    fn decode_error_does_not_name_the_value() {
        let error = serde_json::from_str::<Secret<i32>>(r#"{"$secret":"hush"}"#).unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
