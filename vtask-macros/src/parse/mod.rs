//! Spelling: reads what the user wrote and judges nothing but its form.

mod args;
mod attribute;
mod item;
mod role;

pub(crate) use args::{Arg, Args, Keys};
pub(crate) use attribute::{JobArgs, MethodArgs, PolicyArgs};
pub(crate) use item::{JobImpl, Member, Method};
pub(crate) use role::Role;
