//! What steps fail with, and what their return types are called.

use std::error::Error;
use std::fmt;
use std::io;

use vtask::{Stop, job, stop};

/// An error of one's own.
#[derive(Debug)]
pub enum PayError {
    /// Nothing is left.
    NoMoney,
    /// It has no sense to go on.
    Stopped(Stop),
}

impl fmt::Display for PayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMoney => "no money",
            Self::Stopped(_) => "stopped",
        })
    }
}

impl Error for PayError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoMoney => None,
            Self::Stopped(stop) => Some(stop),
        }
    }
}

impl From<Stop> for PayError {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

type Outcome<T, E = PayError> = Result<T, E>;
type Done = Outcome<()>;

/// A job whose steps fail in many ways.
pub struct Fails;

#[job]
impl Fails {
    #[step]
    async fn anyhow(&self) -> anyhow::Result<()> {
        Err(anyhow::anyhow!("no"))
    }

    #[step]
    async fn boxed(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(stop("no"))
    }

    #[step]
    async fn own(&self) -> Result<u8, PayError> {
        Err(PayError::NoMoney)
    }

    #[step]
    async fn own_stop(&self) -> Result<u8, PayError> {
        Err(stop("no"))
    }

    #[step]
    async fn string(&self) -> Result<(), String> {
        Err("no".to_owned())
    }

    #[step]
    async fn text(&self) -> Result<(), &'static str> {
        Err("no")
    }

    #[step]
    fn io(&self) -> io::Result<Vec<u8>> {
        Err(io::Error::other("no"))
    }

    #[step]
    async fn alias(&self) -> Outcome<Option<u8>> {
        Ok(None)
    }

    #[step]
    async fn alias_without_arguments(&self, alias: &Option<u8>) -> Done {
        alias.map_or(Ok(()), |_| Err(PayError::NoMoney))
    }

    #[on_success]
    async fn succeeded(&self) -> Done {
        Ok(())
    }

    #[on_failure]
    async fn failed(&self) -> Result<(), String> {
        Ok(())
    }
}
