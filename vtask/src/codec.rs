//! JSON as it is stored.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::secret;

/// The outputs of the recorded steps, in the order of recording.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outputs(Vec<(String, Box<RawValue>)>);

impl Outputs {
    pub(crate) fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("names and raw JSON always serialize")
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, json)| json.get())
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names().position(|known| known == name)
    }

    /// Roughly how long they are as JSON.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, json)| name.len() + json.get().len() + 4).sum()
    }

    pub(crate) fn push(&mut self, name: &str, output: Box<RawValue>) {
        self.0.push((name.to_owned(), output));
    }

    /// Gives an output another name, and another value where `change` has one; its place stays.
    pub(crate) fn replace(&mut self, from: &str, to: &str, change: impl Fn(&RawValue) -> Option<Box<RawValue>>) {
        for (name, output) in self.0.iter_mut().filter(|(name, _)| name == from) {
            to.clone_into(name);
            if let Some(changed) = change(output) {
                *output = changed;
            }
        }
    }

    /// Takes out all but those that `keep` names, and returns their names.
    pub(crate) fn drop_unless(&mut self, keep: impl Fn(&str) -> bool) -> Vec<String> {
        let (kept, dropped) = std::mem::take(&mut self.0).into_iter().partition(|(name, _)| keep(name));
        self.0 = kept;
        dropped.into_iter().map(|(name, _): (String, _)| name).collect()
    }
}

impl Serialize for Outputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, output) in &self.0 {
            map.serialize_entry(name, output)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Outputs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of outputs by step name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outputs, A::Error> {
                let mut outputs = Outputs::default();
                while let Some(entry) = map.next_entry()? {
                    outputs.0.push(entry);
                }
                Ok(outputs)
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// How often a restart dropped the recorded output of a step, by the step's oldest name; and the order in which the program
/// that recorded the row last has its steps.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Generations {
    #[serde(rename = "/order", default, skip_serializing_if = "Vec::is_empty")]
    order: Vec<String>,
    #[serde(flatten)]
    counts: BTreeMap<String, u32>,
}

impl Generations {
    /// What the column holds; one that cannot be read counts as empty, because only idempotency keys hang on it, and which
    /// steps come next when they were put in another order.
    pub(crate) fn parse(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    pub(crate) fn of(&self, name: &str) -> u32 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn raise(&mut self, name: &str) {
        *self.counts.entry(name.to_owned()).or_default() += 1;
    }

    /// Answers whether that changes anything.
    pub(crate) fn set_order(&mut self, names: impl Iterator<Item = &'static str> + Clone) -> bool {
        let is_other = !self.order.iter().map(String::as_str).eq(names.clone());
        if is_other {
            self.order = names.map(str::to_owned).collect();
        }
        is_other
    }

    /// The names of the steps that were to come after this one, where that is known.
    pub(crate) fn after(&self, is_step: impl Fn(&str) -> bool) -> &[String] {
        self.order.iter().position(|name| is_step(name)).map_or(&[], |place| &self.order[place + 1..])
    }

    pub(crate) fn has_order(&self) -> bool {
        !self.order.is_empty()
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("names and numbers always serialize")
    }
}

/// Whether what was encoded reads back as itself.
///
/// Lists are compared without their order, because a set may come back in another one.
pub(crate) fn is_same(before: &str, after: &str) -> bool {
    let sorted = |json| serde_json::from_str(json).map(sort_lists).ok();
    before == after || sorted(before) == sorted(after)
}

fn sort_lists(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(sort_lists).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, sort_lists(value))).collect(),
        other => other,
    }
}

/// The value with each secret's content left out.
pub(crate) fn redact(value: Value) -> Value {
    match value {
        Value::Object(fields) if fields.contains_key(secret::MARK) => Value::from("Secret(…)"),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, redact(value))).collect(),
        Value::Array(items) => items.into_iter().map(redact).collect(),
        other => other,
    }
}

/// Cuts a text to so many bytes, between two characters, and takes out NUL, which PostgreSQL does not store.
pub(crate) fn fit(text: &str, bytes: usize) -> String {
    let mut text = text.replace('\0', "\u{fffd}");
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_keep_the_order_of_recording() {
        let json = r#"{"ship":{"b":1},"charge":[1.0]}"#;
        let outputs = Outputs::parse(json).unwrap();
        assert_eq!(outputs.to_json(), json);
        assert_eq!(outputs.names().collect::<Vec<_>>(), ["ship", "charge"]);
        assert_eq!(outputs.get("charge"), Some("[1.0]"));
    }

    #[test]
    fn redaction_reaches_into_lists() {
        let value = serde_json::json!({"a": [{"$secret": "hush"}], "b": 1});
        assert_eq!(redact(value).to_string(), r#"{"a":["Secret(…)"],"b":1}"#);
    }

    #[test]
    fn a_set_in_another_order_is_the_same() {
        assert!(is_same("[3,1,2]", "[1,2,3]"));
        assert!(is_same(r#"{"a":[{"x":2},{"x":1}]}"#, r#"{"a":[{"x":1},{"x":2}]}"#));
        assert!(!is_same("[1,1]", "[1]"));
        assert!(!is_same(r#"{"a":1}"#, "{}"));
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(fit("añb", 2), "a");
        assert_eq!(fit("a\0b", 10), "a\u{fffd}b");
    }
}
