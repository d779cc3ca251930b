//! A value that does not show itself.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, DeserializeSeed, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The key under which a secret is stored, so that whatever shows a row can leave out its value.
pub(crate) const MARK: &str = "$secret";

/// A value that never shows itself: not in `Debug`, logs or errors.
///
/// It is stored as `{"$secret": …}`, readable by whoever reads the table, also through
/// [`JobRun<Untyped>::data`](crate::JobRun::data). Where data held a plain value before it became
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

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherForm(PhantomData)).map(Self)
    }
}

/// Reads the marked form, and the plain one by handing on what was found.
struct EitherForm<T>(PhantomData<T>);

/// Hands a plain value on.
macro_rules! plain {
    ($($visit:ident: $type:ty,)*) => {
        $(fn $visit<E: de::Error>(self, value: $type) -> Result<T, E> {
            hidden(T::deserialize(Plain(value.into_deserializer())))
        })*
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for EitherForm<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }

    plain! {
        visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64,
        visit_str: &str, visit_string: String,
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        hidden(T::deserialize(().into_deserializer()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        hidden(T::deserialize(Plain(SeqAccessDeserializer::new(items))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<T, A::Error> {
        match fields.next_key::<String>()? {
            Some(key) if key == MARK => {
                let secret = hidden(fields.next_value())?;
                // An object that holds more is no secret of ours.
                hidden(match fields.next_key::<IgnoredAny>()? {
                    None => Ok(secret),
                    Some(_) => Err(de::Error::custom("a second field")),
                })
            }
            first => hidden(T::deserialize(Plain(MapAccessDeserializer::new(Replayed { first, fields })))),
        }
    }
}

/// A value that also reads as an option that is there, and as the newtype around it.
struct Plain<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Plain<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// A map whose first key was read already.
struct Replayed<A> {
    first: Option<String>,
    fields: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Replayed<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(first) => seed.deserialize(first.into_deserializer()).map(Some),
            None => self.fields.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}

/// Keeps the value out of the error.
fn hidden<T, E: de::Error>(result: Result<T, E>) -> Result<T, E> {
    result.map_err(|_| E::custom("a secret that does not decode"))
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
    fn whatever_was_stored_reads_back() {
        use std::collections::BTreeMap;

        #[track_caller]
        fn check<T: Serialize + for<'de> Deserialize<'de> + PartialEq>(value: T) {
            let json = serde_json::to_string(&Secret::new(value)).unwrap();
            let again: Secret<T> = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&again).unwrap(), json);
        }

        check(BTreeMap::from([(1_u32, "a".to_owned()), (2, "b".to_owned())]));
        check((u128::MAX, i128::MIN, 0.1_f64, 'x'));
        check(vec![Some("a".to_owned()), None]);
        check(Secret::new(BTreeMap::from([("a".to_owned(), ())])));
        check(());
    }

    #[test]
    fn plain_value_of_before_is_read() {
        use std::collections::BTreeMap;

        let map: Secret<BTreeMap<String, u8>> = serde_json::from_str(r#"{"a":1,"b":2}"#).unwrap();
        assert_eq!(map.expose().len(), 2);
        assert_eq!(serde_json::from_str::<Secret<String>>(r#""plain""#).unwrap().expose(), "plain");
        assert_eq!(serde_json::from_str::<Secret<Vec<u8>>>("[1,2]").unwrap().expose(), &[1, 2]);
        assert_eq!(serde_json::from_str::<Secret<Option<u8>>>("null").unwrap().expose(), &None);
    }

    #[test]
    fn decode_error_does_not_name_the_value() {
        let error = serde_json::from_str::<Secret<i32>>(r#"{"$secret":"hush"}"#).unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
