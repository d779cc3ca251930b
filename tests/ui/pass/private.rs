//! Jobs that nobody outside sees: nothing about them is unused, undocumented or too visible.

use serde::{Deserialize, Serialize};
use vtask::{JobContext, job};

#[derive(Serialize, Deserialize, JobContext)]
struct Data {
    number: u64,
}

#[derive(Serialize, Deserialize)]
struct Output(u64);

struct Private;

#[job]
impl Private {
    #[step]
    async fn first(&self, data: &Data) -> anyhow::Result<Output> {
        Ok(Output(data.number))
    }

    #[step]
    async fn last(&self, first: &Output) -> anyhow::Result<Output> {
        Ok(Output(first.0))
    }
}

mod inner {
    use super::{Data, Output, job};

    pub(super) struct Inner;

    #[job]
    impl Inner {
        #[step]
        pub(super) async fn first(&self, data: &Data) -> anyhow::Result<Output> {
            Ok(Output(data.number))
        }

        #[step]
        pub(crate) async fn last(&self, _first: &Output) -> anyhow::Result<Output> {
            Ok(Output(1))
        }
    }
}

/// A job whose block is in another module.
pub(crate) struct Elsewhere;

mod elsewhere {
    #[vtask::job]
    impl super::Elsewhere {
        #[step]
        fn only(&self) -> anyhow::Result<()> {
            Ok(())
        }
    }
}

/// In a function everything is private.
pub(crate) fn center(client: &vtask::Client) -> vtask::JobCenterBuilder {
    struct Local;

    #[job]
    impl Local {
        #[step]
        async fn only(&self) -> anyhow::Result<()> {
            Ok(())
        }
    }

    vtask::JobCenter::builder(client).register(Private).register(inner::Inner).register(Elsewhere).register(Local)
}
