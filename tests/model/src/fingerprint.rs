//! A number for each state.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::state::State;

/// The number of a state. Two states have the same with a chance of one in ten million, where there are ten million.
pub(crate) fn fingerprint(state: &State) -> u64 {
    let mut bytes = Bytes(Vec::with_capacity(512));
    state.hash(&mut bytes);
    bytes.finish()
}

/// Gathers everything first: a state has hundreds of small parts, and a hash takes long over each.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn write_u8(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// The number of a variant, which is small.
    fn write_isize(&mut self, number: isize) {
        self.0.push(number.to_le_bytes()[0]);
    }

    /// A length or an id, which is small.
    fn write_usize(&mut self, number: usize) {
        self.0.push(number.to_le_bytes()[0]);
    }

    fn finish(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.0);
        hasher.finish()
    }
}
