//! What the data of a job can be.

use serde::{Deserialize, Serialize};
use vtask::{JobContext, job};

/// Without a keyword.
#[derive(Serialize, Deserialize, JobContext)]
pub struct Plain {
    text: String,
}

/// With a keyword of several fields, one of them of a name that is a word of Rust.
#[derive(Serialize, Deserialize, JobContext)]
pub struct Several {
    #[context(keyword)]
    tenant: String,
    text: String,
    #[context(keyword)]
    r#type: char,
}

/// Without names.
#[derive(Serialize, Deserialize, JobContext)]
pub struct Tuple(#[context(keyword)] u64, String, #[context(keyword)] bool);

/// Without fields.
#[derive(Serialize, Deserialize, JobContext)]
pub struct Unit;

/// One of several.
#[derive(Serialize, Deserialize, JobContext)]
pub enum Either {
    /// With something.
    Left(u64),
    /// With nothing.
    Right,
}

/// Generic, and a context where `T` can be saved.
#[derive(Serialize, Deserialize, JobContext)]
pub struct Of<T>
where
    T: Clone,
{
    value: T,
}

macro_rules! job_over {
    ($job:ident, $data:ty, $given:ident => $output:expr) => {
        /// A job over this data.
        pub struct $job;

        #[job]
        impl $job {
            #[step]
            async fn only(&self, $given: &$data) -> anyhow::Result<String> {
                Ok($output)
            }
        }
    };
}

job_over!(OverPlain, Plain, plain => plain.text.clone());
job_over!(OverSeveral, Several, several => format!("{}{}{}", several.tenant, several.text, several.r#type));
job_over!(OverTuple, Tuple, tuple => format!("{}{}{}", tuple.0, tuple.1, tuple.2));
job_over!(OverUnit, Unit, _unit => String::new());
job_over!(OverEither, Either, either => match either {
    Either::Left(number) => number.to_string(),
    Either::Right => String::new(),
});
job_over!(OverGeneric, Of<Vec<u64>>, of => format!("{:?}", of.value));
