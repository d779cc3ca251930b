//! Saving a job.

mod error;
mod invoked;
mod many;
mod one;
mod prepare;
mod within;

pub use self::error::InvokeError;
pub use self::invoked::Invoked;
pub use self::many::InvokeMany;
pub use self::one::Invoke;
pub(crate) use self::prepare::{Order, Start, new_job, order_settings};
pub use self::within::{InvokeManyWithin, InvokeWithin};
