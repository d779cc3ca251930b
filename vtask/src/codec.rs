//! JSON as it is stored.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::secret;

/// The outputs of the recorded steps, in the order of recording.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outputs {
    /// Names, and what is JSON.
    entries: Vec<(Cow<'static, str>, Box<str>)>,
    /// All of them as one object, while that is known: it grows by each step and is written with each.
    json: Option<String>,
}

impl Outputs {
    pub(crate) fn parse(json: &str) -> Result<Self, serde_json::Error> {
        if json == "{}" {
            return Ok(Self::default());
        }
        serde_json::from_str(json)
    }

    /// All of them as one object.
    pub(crate) fn json(&mut self) -> String {
        self.whole().clone()
    }

    fn whole(&mut self) -> &mut String {
        let Self { entries, json } = self;
        json.get_or_insert_with(|| {
            let mut whole = "{}".to_owned();
            entries.iter().for_each(|(name, output)| add(&mut whole, name, output));
            whole
        })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_ref())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, json)| json.as_ref())
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names().position(|known| known == name)
    }

    /// Roughly how long they are as JSON.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.iter().map(|(name, json)| name.len() + json.len() + 4).sum()
    }

    /// Adds an output, which is JSON.
    pub(crate) fn push(&mut self, name: impl Into<Cow<'static, str>>, output: impl Into<Box<str>>) {
        let (name, output) = (name.into(), output.into());
        add(self.whole(), &name, &output);
        self.entries.push((name, output));
    }

    /// Gives an output another name, and another value where `change` has one; its place stays.
    pub(crate) fn replace(&mut self, from: &str, to: &str, change: impl Fn(&str) -> Option<Box<RawValue>>) {
        for (name, output) in self.entries.iter_mut().filter(|(name, _)| name == from) {
            *name = to.to_owned().into();
            if let Some(changed) = change(output) {
                *output = changed.into();
            }
            self.json = None;
        }
    }

    /// Takes out all but those that `keep` names, and returns their names.
    pub(crate) fn drop_unless(&mut self, keep: impl Fn(&str) -> bool) -> Vec<String> {
        let (kept, dropped) = std::mem::take(&mut self.entries).into_iter().partition(|(name, _)| keep(name));
        (self.entries, self.json) = (kept, None);
        dropped.into_iter().map(|(name, _): (Cow<'static, str>, _)| name.into_owned()).collect()
    }
}

/// Adds an entry to an object.
fn add(object: &mut String, name: &str, json: &str) {
    object.pop();
    object.reserve(name.len() + json.len() + 8);
    if object.len() > 1 {
        object.push(',');
    }
    push_text(object, name);
    object.push(':');
    object.push_str(json);
    object.push('}');
}

/// Adds a text to JSON; most need no escapes.
pub(crate) fn push_text(json: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        json.push_str(&serde_json::to_string(text).expect("a text always serializes"));
    } else {
        json.push('"');
        json.push_str(text);
        json.push('"');
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
                while let Some((name, output)) = map.next_entry::<String, Box<RawValue>>()? {
                    outputs.entries.push((name.into(), output.into()));
                }
                Ok(outputs)
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// The key of the order among the counts. It is no name of a step, because it has a slash in it.
const ORDER: &str = "/order";

/// How often a restart dropped the recorded output of a step, by the step's oldest name; and the order in which the program
/// that recorded the row last has its steps. Clones share it until one is changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Generations(Arc<Counts>);

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Counts {
    #[serde(rename = "/order", default, skip_serializing_if = "Vec::is_empty")]
    order: Vec<String>,
    #[serde(flatten)]
    counts: BTreeMap<String, u32>,
}

impl Generations {
    /// What the column holds; one that cannot be read counts as empty, because only idempotency keys hang on it, and which
    /// steps come next when they were put in another order.
    pub(crate) fn parse(json: &str) -> Self {
        Self(Arc::new(serde_json::from_str(json).unwrap_or_default()))
    }

    /// Those of a job that has not begun, with these steps.
    pub(crate) fn of_steps(names: impl Iterator<Item = &'static str>) -> Self {
        Self(Arc::new(Counts { order: names.map(str::to_owned).collect(), counts: BTreeMap::new() }))
    }

    pub(crate) fn of(&self, name: &str) -> u32 {
        self.0.counts.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn raise(&mut self, name: &str) {
        // No step has that name; a row that others wrote may.
        if name != ORDER {
            let count = Arc::make_mut(&mut self.0).counts.entry(name.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Takes over the order of others; answers whether that changes anything.
    pub(crate) fn set_order(&mut self, others: &Self) -> bool {
        let is_other = !self.has_order_of(others);
        if is_other {
            Arc::make_mut(&mut self.0).order.clone_from(&others.0.order);
        }
        is_other
    }

    pub(crate) fn has_order_of(&self, others: &Self) -> bool {
        Arc::ptr_eq(&self.0, &others.0) || self.0.order == others.0.order
    }

    /// The names of the steps that were to come after this one, where that is known.
    pub(crate) fn after(&self, is_step: impl Fn(&str) -> bool) -> &[String] {
        let order = &self.0.order;
        order.iter().position(|name| is_step(name)).map_or(&[], |place| &order[place + 1..])
    }

    /// The names of the steps in the program that recorded the row last, where that is known.
    pub(crate) fn order(&self) -> &[String] {
        &self.0.order
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&*self.0).expect("names and numbers always serialize")
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
        let mut outputs = Outputs::parse(json).unwrap();
        assert_eq!(outputs.json(), json);
        assert_eq!(outputs.names().collect::<Vec<_>>(), ["ship", "charge"]);
        assert_eq!(outputs.get("charge"), Some("[1.0]"));
        outputs.push("\"", "2");
        assert_eq!(outputs.json(), r#"{"ship":{"b":1},"charge":[1.0],"\"":2}"#);
        outputs.drop_unless(|name| name != "ship");
        assert_eq!(outputs.json(), r#"{"charge":[1.0],"\"":2}"#);
    }

    #[test]
    fn no_generation_is_lost_whatever_a_row_holds() {
        let mut generations = Generations::parse(r#"{"/order":["one"],"one":4294967295,"two":1}"#);
        ["one", "two", "/order"].iter().for_each(|name| generations.raise(name));
        assert_eq!(generations.to_json(), r#"{"/order":["one"],"one":4294967295,"two":2}"#);
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
