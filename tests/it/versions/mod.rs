//! Programs of different versions on one database: one after the other, and side by side.

mod beside;
mod migrate;
mod queue;
mod returns;
mod strangers;
mod upgrade;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vtask::{Attempt, Client, JobCenter, JobCenterBuilder, JobRun, Untyped};

use crate::log::Log;
use crate::setup::center;

/// What the programs of a test share: what ran, and at which step they stay.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    pub(crate) log: Log,
    /// The same with the keyword of the job.
    pub(crate) of_jobs: Log,
    stops_at: Arc<Mutex<Option<&'static str>>>,
    /// The step whose attempts fail.
    pub(crate) fails_at: Arc<Mutex<Option<&'static str>>>,
}

impl Shared {
    /// Has each program stay in this step, until it is told another.
    pub(crate) fn stop_at(&self, step: Option<&'static str>) {
        *self.stops_at.lock().unwrap() = step;
    }

    pub(crate) async fn run(&self, step: &'static str, attempt: &Attempt) -> anyhow::Result<String> {
        if *self.stops_at.lock().unwrap() == Some(step) {
            self.log.add(format!("stays at {step}"));
            std::future::pending::<()>().await;
        }
        anyhow::ensure!(*self.fails_at.lock().unwrap() != Some(step), "not yet");
        self.log.add(step);
        self.of_jobs.add(format!("{} {step}", attempt.keyword()));
        Ok(step.to_owned())
    }
}

type Invoked = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One version of the job `parcel`.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) register: fn(JobCenterBuilder, Shared) -> JobCenterBuilder,
    pub(crate) invoke: fn(Client, String) -> Invoked,
}

impl Program {
    pub(crate) async fn start(self, client: &Client, shared: &Shared) -> JobCenter {
        let builder = (self.register)(center(client).grace(Duration::ZERO), shared.clone());
        builder.start().await.expect("the center starts")
    }

    pub(crate) async fn invoke(self, client: &Client, keyword: &str) -> JobRun<Untyped> {
        (self.invoke)(client.clone(), keyword.to_owned()).await;
        client.find(keyword).await.unwrap().expect("it was invoked")
    }

    /// Has this program run a new job until it is in the step, and ends it there.
    pub(crate) async fn run_until(self, client: &Client, shared: &Shared, step: &'static str) -> JobRun<Untyped> {
        shared.stop_at(Some(step));
        let center = self.start(client, shared).await;
        let run = self.invoke(client, "k").await;
        while shared.log.count(&format!("stays at {step}")) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        center.shutdown().await.unwrap();
        shared.stop_at(None);
        shared.log.clear();
        run
    }
}

/// Declares a program: its steps in order, each with its arguments and the outputs that it takes.
macro_rules! program {
    ($module:ident, ($($job:tt)*): $([$($step:tt)*] $name:ident($($need:ident),*))* $(; on_success $thank:ident($($wish:ident),*))?) => {
        pub(crate) mod $module {
            use vtask::{Attempt, job};

            use crate::versions::{Program, Shared};

            pub(crate) struct Parcel(pub(crate) Shared);

            #[job($($job)*)]
            impl Parcel {
                $(
                    #[step($($step)*)]
                    pub(crate) async fn $name(&self, attempt: &Attempt, $($need: &String),*) -> anyhow::Result<String> {
                        $(anyhow::ensure!($need.len() > 0);)*
                        self.0.run(stringify!($name), attempt).await
                    }
                )*

                $(
                    #[on_success]
                    async fn $thank(&self, attempt: &Attempt, $($wish: &String),*) -> anyhow::Result<()> {
                        $(anyhow::ensure!($wish.len() > 0);)*
                        self.0.run(stringify!($thank), attempt).await?;
                        Ok(())
                    }
                )?
            }

            pub(crate) const PROGRAM: Program = Program {
                register: |builder, shared| builder.register(Parcel(shared)),
                invoke: |client, keyword| {
                    Box::pin(async move {
                        ParcelHandle::new(&client).invoke(()).keyword(keyword).await.unwrap();
                    })
                },
            };
        }
    };
}
use program;

program!(old, (name = "parcel"): [] a() [] b() [] c());
