//! Values that are made up from a type alone: the type says what it wants, and gets it empty.

use serde::de::value::Error;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use crate::job::result::Stored;

/// So many values of a type are made up at most.
const MOST: usize = 32;
/// From this depth on nothing optional is there, and lists are empty: a type may hold itself.
const DEEP: usize = 6;
/// A type that wants more holds itself in any case.
const DEEPEST: usize = 64;

/// Values of the type in which integers are 0 or the largest and texts empty: one for each variant of an enum in it, with and
/// without what is optional. None if none can be made up: the type takes only certain values, or tells by trying what it is.
pub(crate) fn all<T: Stored>() -> Vec<T> {
    let (mut values, mut seen) = (Vec::new(), Vec::new());
    for number in 0..MOST {
        let Ok(value) = T::deserialize(Made { number, depth: 0 }) else { continue };
        let Ok(json) = serde_json::to_string(&value) else { continue };
        if !seen.contains(&json) {
            seen.push(json);
            values.push(value);
        }
    }
    values
}

/// One of them; with each number another one, as far as there are others.
pub(crate) fn one<T: Stored>(number: usize) -> Option<T> {
    let mut values = all();
    let number = number.checked_rem(values.len())?;
    Some(values.swap_remove(number))
}

/// Gives a type what it wants. The number chooses among variants and among integers, and whether what is optional is there.
#[derive(Clone, Copy)]
struct Made {
    number: usize,
    depth: usize,
}

impl Made {
    /// What is inside.
    fn inner(self) -> Result<Self, Error> {
        let depth = self.depth + 1;
        if depth > DEEPEST { Err(Error::custom("the type holds itself")) } else { Ok(Self { depth, ..self }) }
    }

    fn elements(self, count: usize) -> Result<Elements, Error> {
        Ok(Elements { made: self.inner()?, left: count })
    }

    /// Whether its integers are the largest, which a narrower type does not take; else they are 0.
    fn has_large_numbers(self) -> bool {
        self.number / 2 % 2 == 1
    }

    /// How many elements a list has.
    fn some(self) -> usize {
        usize::from(self.depth < DEEP)
    }
}

macro_rules! gives {
    ($($deserialize:ident: $visit:ident($value:expr);)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit($value)
        }
    )*};
}

/// An integer is 0, or the largest that JSON can hold.
macro_rules! integers {
    ($($deserialize:ident: $visit:ident($largest:expr);)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(if self.has_large_numbers() { $largest } else { 0 })
        }
    )*};
}

impl<'de> Deserializer<'de> for Made {
    type Error = Error;

    /// It does not say what it wants.
    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("the type tells by trying what it is"))
    }

    gives! {
        deserialize_bool: visit_bool(false);
        deserialize_f32: visit_f32(0.0);
        deserialize_f64: visit_f64(0.0);
        deserialize_char: visit_char('a');
        deserialize_str: visit_str("");
        deserialize_string: visit_str("");
        deserialize_bytes: visit_bytes(&[]);
        deserialize_byte_buf: visit_bytes(&[]);
    }

    integers! {
        deserialize_i8: visit_i8(i8::MAX);
        deserialize_i16: visit_i16(i16::MAX);
        deserialize_i32: visit_i32(i32::MAX);
        deserialize_i64: visit_i64(i64::MAX);
        deserialize_i128: visit_i128(i128::from(i64::MAX));
        deserialize_u8: visit_u8(u8::MAX);
        deserialize_u16: visit_u16(u16::MAX);
        deserialize_u32: visit_u32(u32::MAX);
        deserialize_u64: visit_u64(u64::MAX);
        deserialize_u128: visit_u128(u128::from(u64::MAX));
    }

    forward_to_deserialize_any! { identifier }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.number.is_multiple_of(2) && self.depth < DEEP {
            visitor.visit_some(self.inner()?)
        } else {
            visitor.visit_none()
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self.inner()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(self.elements(self.some())?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(self.elements(len)?)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(self.elements(len)?)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self.elements(self.some())?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { made: self.inner()?, left: fields })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // A variant that holds the enum itself is left for another one deep down.
        let at = (self.number + self.depth / DEEP).checked_rem(variants.len());
        let variant = at.map(|at| variants[at]).ok_or_else(|| Error::custom("the enum has no variant"))?;
        visitor.visit_enum(Chosen { made: self.inner()?, variant })
    }
}

/// The elements of a list, or the entries of a map.
struct Elements {
    made: Made,
    left: usize,
}

impl Elements {
    fn next(&mut self) -> Option<Made> {
        self.left = self.left.checked_sub(1)?;
        Some(self.made)
    }
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.next().map(|made| seed.deserialize(made)).transpose()
    }
}

impl<'de> MapAccess<'de> for Elements {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.next().map(|made| seed.deserialize(made)).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.made)
    }
}

/// The fields of a struct.
struct Fields {
    made: Made,
    left: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((field, left)) = self.left.split_first() else { return Ok(None) };
        self.left = left;
        seed.deserialize((*field).into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.made)
    }
}

/// A variant of an enum.
struct Chosen {
    made: Made,
    variant: &'static str,
}

impl<'de> EnumAccess<'de> for Chosen {
    type Error = Error;
    type Variant = Made;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Made), Error> {
        Ok((seed.deserialize(self.variant.into_deserializer())?, self.made))
    }
}

impl<'de> VariantAccess<'de> for Made {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Tree {
        Leaf,
        Pair(Box<Self>, Box<Self>),
        Named { name: Option<String>, of: Vec<Self> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Whole {
        tree: Tree,
        map: BTreeMap<String, (u8, char)>,
        wrapped: Wrapped,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(f64);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Tried {
        Number(u8),
        Text(String),
    }

    #[test]
    fn each_variant_is_made_up_also_of_a_type_that_holds_itself() {
        let all: Vec<Whole> = all();
        let is_there = |is: fn(&Tree) -> bool| all.iter().any(|whole| is(&whole.tree));
        assert!(is_there(|tree| *tree == Tree::Leaf));
        assert!(is_there(|tree| matches!(tree, Tree::Pair(..))));
        assert!(is_there(|tree| matches!(tree, Tree::Named { name: Some(_), .. })));
        assert!(is_there(|tree| matches!(tree, Tree::Named { name: None, .. })));
        assert_eq!(all[0].map, BTreeMap::from([(String::new(), (0, 'a'))]));
        assert_eq!(all[0].wrapped, Wrapped(0.0));
        assert_eq!(one::<bool>(7), Some(false));
    }

    #[test]
    fn type_that_tells_by_trying_has_no_sample() {
        assert_eq!(all::<Tried>(), []);
        assert_eq!(one::<Tried>(0), None);
    }
}
