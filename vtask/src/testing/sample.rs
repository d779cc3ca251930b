//! Values that are made up from a type alone.

use serde_reflection::{Samples, Tracer, TracerConfig};

use crate::job::result::Stored;

/// A value of the type, in which everything is empty or 0. `None` if none can be made up: the type takes only
/// certain values, or tells by trying what it is.
pub(crate) fn of<T: Stored>() -> Option<T> {
    let mut tracer = Tracer::new(TracerConfig::default().is_human_readable(true));
    let samples = Samples::new();
    tracer.trace_type_once(&samples).ok().map(|(_, value)| value)
}
