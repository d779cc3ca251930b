//! Names that are words of Rust, or of the generated code, or that lints do not like.

#![expect(non_camel_case_types, reason = "names of that kind must do")]

use serde::{Deserialize, Serialize};
use vtask::{Attempt, JobContext, job};

/// Data with a name of the generated code.
#[derive(Serialize, Deserialize, JobContext)]
pub struct Context {
    scope: u64,
}

/// A job with a name that is a word of Rust.
pub struct r#match;

#[job]
impl r#match {
    #[step]
    async fn r#type(&self, given: &mut Context) -> anyhow::Result<u64> {
        given.scope += 1;
        Ok(given.scope)
    }

    #[step]
    async fn job(&self, r#type: &u64, scope: &Context, attempt: &Attempt) -> anyhow::Result<u64> {
        Ok(r#type + scope.scope + u64::from(attempt.number()))
    }

    #[step]
    async fn context(&self, _type: &u64, job: &u64, _scope: &Context) -> anyhow::Result<u64> {
        Ok(*job)
    }

    #[step]
    async fn output(&self, _context: &u64, __job: &u64) -> anyhow::Result<()> {
        Ok(())
    }
}

/// A job in a place where the names of the prelude mean something else.
pub mod shadowed {
    /// Is not `std::result::Result`, nor are the others what they are called.
    pub struct Result;
    /// Not that.
    pub struct Option;
    /// Not that.
    pub struct Box;
    /// Not that.
    pub struct String;
    /// Not that.
    pub struct Vec;
    /// Not that.
    pub trait Send {}
    /// Not that.
    pub trait Job {}

    /// A job.
    pub struct Shadowed;

    #[vtask::job]
    impl Shadowed {
        #[step]
        async fn first(&self, attempt: &vtask::Attempt) -> std::result::Result<u32, std::string::String> {
            Ok(attempt.number())
        }

        #[step]
        fn second(&self, first: &u32) -> std::result::Result<u32, std::string::String> {
            Ok(*first)
        }
    }
}
