//! Durable jobs on the database you already have.
//!
//! A job is a list of steps over one typed context. After every step the context is saved, so the process may die at
//! any instant: the job goes on from the step it had reached.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use vtask::{Attempt, Client, JobCenter, JobContext, job};
//!
//! /// What is saved after each step.
//! #[derive(Serialize, Deserialize, JobContext)]
//! struct Order {
//!     #[context(keyword)] // order 7 is one job, however often it is invoked
//!     id: u64,
//!     cents: u64,
//! }
//!
//! /// What the steps need to work, such as clients and pools; never saved.
//! struct PlaceOrder;
//!
//! #[job]
//! impl PlaceOrder {
//!     /// Charges the card; the bank knows a repeated request by its key.
//!     #[step(retry = 3, period = "1s")]
//!     async fn charge(&self, order: &Order, attempt: &Attempt) -> anyhow::Result<String> {
//!         Ok(format!("{} cents, receipt {}", order.cents, &attempt.idempotency_key()[..8]))
//!     }
//!
//!     /// Ships; `charge` is the recorded output of the step of that name.
//!     #[step(retry = always, period = "5s..10m", timeout = "30s")]
//!     async fn ship(&self, order: &Order, charge: &String) -> anyhow::Result<String> {
//!         Ok(format!("parcel {} ({charge})", order.id))
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> anyhow::Result<()> {
//!     let client = Client::in_memory(); // or Client::connect("sqlite://jobs.db").await?
//!     let center = JobCenter::builder(&client).host("node-1").register(PlaceOrder).start().await?;
//!
//!     let orders = PlaceOrderHandle::new(&client); // made by #[job]
//!     let run = orders.invoke(Order { id: 7, cents: 4200 }).await?; // saved when this returns
//!     assert_eq!(run.keyword(), "place_order/7");
//!     let parcel: String = run.wait().await?; // the last step's output
//!     assert!(parcel.starts_with("parcel 7 (4200 cents"));
//!
//!     center.shutdown().await?; // running steps finish and are saved
//!     Ok(())
//! }
//! ```
//!
//! # Guarantees
//!
//! They hold as long as the database keeps what it has acknowledged.
//!
//! - An `invoke` that returned `Ok` is in the database. While a node that knows the job lives it is worked on, until it ends
//!   or is paused with a reason.
//! - Steps run in source order. A step begins only after the one before it is recorded.
//! - A recorded step is never overwritten, and nobody who has the job runs it again, unless somebody restarts it; its output
//!   is what every later step sees.
//! - A keyword is one job, byte for byte, from any number of concurrent callers.
//! - A failure costs exactly one attempt. A crash costs none, and repeats the step that ran.
//! - A job has one outcome a run; its callback becomes due in the same commit.
//! - No safety rests on clocks. Due times follow the database's clock.
//!
//! A step runs *at least* once: a process can die after the effect and before the record. Make effects idempotent with
//! [`Attempt::idempotency_key`]. What a step writes to the database that holds the jobs can be committed together with its
//! record, and then happens exactly once: [in a transaction](macro@step#steps-in-a-transaction).
//!
//! # Limits of this version
//!
//! - What a dead process held goes on at once when a center starts under the same
//!   [`host`](JobCenterBuilder::host), and on another node within 23 s, which is the [`lease`](JobCenterBuilder::lease) of
//!   15 s and half as much again.
//! - A request to cancel or to pause a job that another process runs is noticed within 2 s.
//!
//! # Where to look next
//!
//! - [`#[job]`](macro@job), [`#[step]`](macro@step), [`#[on_success]`](macro@on_success),
//!   [`#[on_failure]`](macro@on_failure) and [`#[derive(JobContext)]`](derive@JobContext): how a job is written.
//! - [`Client`] connects, invokes and looks. [`JobCenter`] runs jobs, and tells how they are: [`Health`].
//! - [`JobHandle`] invokes and finds jobs of one type. [`JobRun`] is one of them: to wait for, look at, restart,
//!   cancel, pause, resume; [in every state](JobRun#what-an-operator-may-do).
//! - [`Attempt`] is what a step can ask and tell; [`stop`](fn@stop) and [`retry_after`] are what its error can say.
//! - `testing` (feature `testing`) runs a job without a database on a clock that nobody waits for, has it crash at every point,
//!   and keeps a deploy from stranding jobs.
//! - [`storage`] is the trait behind which jobs are kept, its tables, and a suite for storages of your own (feature
//!   `conformance`).

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod answer;
mod attempt;
mod center;
mod client;
mod codec;
mod context;
mod engine;
mod env;
mod failure;
mod flow;
mod group;
// Its examples use these features.
#[cfg(all(feature = "testing", feature = "postgres", any(doc, doctest)))]
pub mod guide;
mod handle;
mod history;
mod info;
mod invoke;
mod job;
mod keyword;
mod run;
mod secret;
#[cfg(feature = "testing")]
pub mod testing;
mod told;

pub use attempt::{Attempt, Progress};
pub use center::{
    DueJobs, EngineState, Health, HealthProbe, JobCenter, JobCenterBuilder, PausedJobs, Shutdown, ShutdownError,
    StartError,
};
pub use client::{Client, ClientBuilder, InvokeJson, JobFilter, JobPage};
pub use context::JobContext;
pub use failure::{FailureKind, JobFailure};
pub use flow::{RetryAfter, Stop, retry_after, stop};
pub use handle::JobHandle;
pub use history::{HistoryEntry, HistoryEvent};
pub use info::JobInfo;
pub use invoke::{Invoke, InvokeError, InvokeMany, InvokeManyWithin, InvokeWithin, Invoked};
pub use job::saved::SavedContext;
pub use job::{Job, Step};
pub use keyword::KeywordError;
pub use run::{CancelOutcome, JobRun, PauseOutcome, Restart, RunError, Untyped, WaitError};
pub use secret::Secret;
pub use vtask_storage as storage;
pub use vtask_storage::value::{Callback, JobId, Reason, Request, RowError, Status};
pub use vtask_storage::{ConnectError, JobStorage, StorageError};

/// Makes a type the data of a job: what an invocation gives, what the steps share, and what is saved after each of
/// them.
///
/// The type also has to be [`Serialize`](serde::Serialize) and [`Deserialize`](serde::Deserialize), `Send`, `Sync` and
/// `'static`. It is stored as JSON of at most 1 MiB. A struct, an enum and a generic type will do.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use vtask::{Client, JobContext, job};
///
/// #[derive(Serialize, Deserialize, JobContext)]
/// struct Refund {
///     #[context(keyword)]
///     shop: String,
///     #[context(keyword)]
///     order: u64,
///     cents: u64,
/// }
///
/// struct PayBack;
///
/// #[job]
/// impl PayBack {
///     #[step]
///     async fn pay(&self, refund: &Refund) -> anyhow::Result<u64> {
///         Ok(refund.cents)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anyhow::Result<()> {
/// let refunds = PayBackHandle::new(&Client::in_memory());
/// let first = refunds.invoke(Refund { shop: "n/1".to_owned(), order: 7, cents: 100 }).await?;
/// let again = refunds.invoke(Refund { shop: "n/1".to_owned(), order: 7, cents: 250 }).await?;
/// assert_eq!(again.keyword(), "pay_back/n%2F1/7");
/// assert_eq!(again.id(), first.id());
/// assert!(!again.created() && !again.same_input());
/// # Ok(())
/// # }
/// ```
///
/// # Attributes
///
/// - `#[context(keyword)]` on a field of a struct makes that field the job's identity. Its type is
///   [`Display`](std::fmt::Display). The keyword is the job's oldest name, a `/`, and the value; of several fields the
///   values are joined by `/` in the order of the fields, with `%` and `/` in a value written `%25` and `%2F`. The
///   whole has at most 255 bytes, and is stored and shown as it is: no secret belongs into it.
/// - `#[context(crate = my::vtask)]` on the type names the crate `vtask`, where it is not `::vtask`.
///
/// Without a keyword field the caller may give one with [`Invoke::keyword`]; an invocation with neither is a job of its
/// own under a UUIDv7.
#[doc(inline)]
pub use vtask_macros::JobContext;

/// Makes a job of an `impl` block: its methods that are marked as steps run in source order, and each is recorded
/// before the next one begins.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use vtask::{Client, JobCenter, JobContext, job};
///
/// #[derive(Debug, Serialize, Deserialize, JobContext)]
/// struct Bill {
///     cents: u64,
/// }
///
/// /// What the steps need to work; never saved.
/// struct Invoice;
///
/// #[job(name = "invoice", concurrency = 8, retry = 2)]
/// impl Invoice {
///     #[step]
///     async fn charge(&self, bill: &mut Bill) -> anyhow::Result<String> {
///         bill.cents += 30;
///         Ok(format!("receipt over {}", bill.cents))
///     }
///
///     #[step(retry = always, period = "5s..10m")]
///     async fn mail(&self, charge: &String) -> anyhow::Result<usize> {
///         Ok(charge.len())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anyhow::Result<()> {
/// let client = Client::in_memory();
/// let center = JobCenter::builder(&client).host("node-1").register(Invoice).start().await?;
///
/// let run = InvoiceHandle::new(&client).invoke(Bill { cents: 70 }).await?;
/// assert_eq!(run.wait().await?, 16);
///
/// let saved: InvoiceContext = run.context().await?;
/// assert_eq!((saved.data.cents, saved.mail), (100, Some(16)));
/// let receipt: Option<String> = run.output(Invoice::CHARGE).await?;
/// assert_eq!(receipt.as_deref(), Some("receipt over 100"));
///
/// run.restart(Invoice::MAIL).await?; // `charge` stays recorded
/// assert_eq!(run.wait().await?, 16);
/// # center.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Arguments
///
/// | argument | default | meaning |
/// |---|---|---|
/// | `name = "invoice"` | the type's name in snake case | the stored name: 1 to 64 bytes, no `/`, no control character, no `$` at its beginning |
/// | `was = "bill"`, `was = ["oldest", "old"]` | none | former names, oldest first; rows that carry them are run too, and derived keywords go on using the oldest |
/// | `migrate = mend` | none | the function that makes of what another version has saved what this one reads; see below |
/// | `concurrency = 8` | no limit of its own | how many runs of this job a node has at a time, within the center's [`concurrency`](JobCenterBuilder::concurrency) |
/// | `retry`, `period`, `timeout` | those of [`#[step]`](macro@step) | defaults for the steps; callbacks do not take them |
/// | `crate = my::vtask` | `::vtask` | where the crate `vtask` is |
///
/// Values are literals, and the path and the word `always` stand without quotes. The name is stored: pin it before the
/// type is renamed, or name the former one with `was`.
///
/// # The block
///
/// It is an inherent `impl` of a named type that is `Send + Sync + 'static`, with at least one [`#[step]`](macro@step),
/// at most one [`#[on_success]`](macro@on_success) and at most one [`#[on_failure]`](macro@on_failure). The type may be
/// generic, but not over lifetimes. Other methods and constants are left as they are. The steps stay ordinary methods:
/// a unit test calls them with plain data and `Attempt::default()`.
///
/// # What is generated
///
/// For a type `Invoice` with the steps `charge` and `mail`:
///
/// - `Invoice::CHARGE` and `Invoice::MAIL`, one [`Step`] a step, as visible as its method, for [`JobRun::output`] and
///   [`JobRun::restart`].
/// - `InvoiceContext`, what is saved: a public struct with the field `data` and one `Option` a step, which is `None`
///   until the step is recorded. Its `Debug` shows JSON without the values of [`Secret`]s.
/// - `InvoiceHandle`, an alias of [`JobHandle<Invoice>`](JobHandle).
/// - The implementation of [`Job`], with the table of the steps as a constant.
///
/// The struct and the alias are `pub`, because a macro on an `impl` cannot see how visible its type is. Their names are
/// taken: two jobs on instances of one type, such as `Invoice<Visa>` and `Invoice<Amex>`, go into two modules.
///
/// # Changing a job that has rows
///
/// A job goes on at the step that its row names. After it comes the first step without a recorded output that is behind
/// it in this table, or was behind it in that of the program which recorded the job last. So:
///
/// | change | jobs that are under way |
/// |---|---|
/// | a step is added | those that have not reached its place run it; the others do not |
/// | a step is removed | those that have passed it or not reached it go on; those that are at it wait for a program that has it |
/// | a step is renamed, with `was` | go on; their idempotency keys stay |
/// | steps change places | each step still runs once |
/// | the job is renamed, with `was` | go on; derived keywords stay |
/// | data or outputs change their shape | are read as they were saved: with serde's defaults and aliases, or with `migrate` |
///
/// Old and new programs may be at work at the same time. A job whose next step, callback or needed output a program does
/// not know is left to the nodes that do, and costs no attempt. When no living node has known it for ten minutes it is
/// paused with [`Reason::UnknownStep`], and a callback is given up. A job that is paused for this reason goes on by itself
/// within a minute or two when a program runs that knows it. Rename a step in one release and move it in another: a program that
/// knows neither the new name nor the new place would run it once more.
///
/// Data or outputs that do not decode, or that `migrate` refuses, pause the job with [`Reason::Undecodable`]: mend the row or
/// start another program, and [`resume`](JobRun::resume) it. An old program reads what a new one has saved, too: add fields
/// with a default, and let them be missing for one release.
///
/// # Migrating what is saved
///
/// `migrate` names a function that is given each job of the type as it is saved, before that is decoded: by the engine
/// when it claims the job, and by [`context`](JobRun::context), [`output`](JobRun::output), [`wait`](JobRun::wait) and
/// [`restart`](JobRun::restart). What it changes is saved with the next recorded step, or with the restart. It is called again
/// and again, also with what it has changed, so what is as it should be it leaves alone. An error or a panic pauses the job.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use serde_json::{Value, json};
/// use vtask::{JobContext, SavedContext, job};
///
/// #[derive(Serialize, Deserialize, JobContext)]
/// struct Bill {
///     amount: Amount, // was `cents: u64`
/// }
///
/// #[derive(Serialize, Deserialize)]
/// struct Amount {
///     cents: u64,
///     currency: String,
/// }
///
/// fn mend(saved: &mut SavedContext) -> anyhow::Result<()> {
///     if let Some(cents) = saved.data.get("cents").and_then(Value::as_u64) {
///         saved.data = json!({"amount": {"cents": cents, "currency": "EUR"}});
///     }
///     Ok(())
/// }
///
/// struct Invoice;
///
/// #[job(migrate = mend)]
/// impl Invoice {
///     #[step]
///     async fn charge(&self, bill: &Bill) -> anyhow::Result<String> {
///         Ok(format!("{} {}", bill.amount.cents, bill.amount.currency))
///     }
/// }
/// # let _ = Invoice;
/// ```
#[doc(inline)]
pub use vtask_macros::job;

/// Marks the method of a [`#[job]`](macro@job) that runs after the job has failed or was cancelled.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use vtask::{FailureKind, JobContext, JobFailure, job};
///
/// #[derive(Serialize, Deserialize, JobContext)]
/// struct Order {
///     id: u64,
/// }
///
/// struct PlaceOrder;
///
/// #[job]
/// impl PlaceOrder {
///     #[step]
///     async fn charge(&self, order: &Order) -> anyhow::Result<String> {
///         Ok(format!("receipt {}", order.id))
///     }
///
///     #[on_failure(retry = 5, period = "1s..1h")]
///     async fn refund(&self, charge: Option<&String>, failure: &JobFailure) -> anyhow::Result<()> {
///         if let Some(receipt) = charge {
///             println!("{receipt} goes back: {failure}");
///         }
///         if failure.kind() == FailureKind::Cancelled {
///             println!("somebody cancelled it");
///         }
///         Ok(())
///     }
/// }
/// # let _ = PlaceOrder;
/// ```
///
/// It becomes due in the commit that ends the job. It runs at least once, also after a crash, and never changes the
/// outcome; [`JobRun::wait`] does not wait for it. When its attempts are used up, or it says [`stop`](fn@stop), it is
/// given up, and the job stays failed or cancelled.
///
/// # Arguments
///
/// `retry`, `period`, `timeout` and `describe`, as those of [`#[step]`](macro@step), with the same defaults: without
/// `retry` it has one attempt. The defaults that `#[job]` gives are for steps only.
///
/// # Parameters
///
/// After `&self`, at any position: an output as `Option<&T>` under the name of its step, because the job may have
/// failed before that step; `&JobFailure`; `&Attempt`; the context as `&T`.
///
/// `#[job]` reads it, so it needs no `use`, and one is reported as unused.
#[doc(inline)]
pub use vtask_macros::on_failure;

/// Marks the method of a [`#[job]`](macro@job) that runs after every step is recorded.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use vtask::{Attempt, JobContext, job};
///
/// #[derive(Serialize, Deserialize, JobContext)]
/// struct Order {
///     id: u64,
/// }
///
/// struct PlaceOrder;
///
/// #[job]
/// impl PlaceOrder {
///     #[step]
///     async fn ship(&self, order: &Order) -> anyhow::Result<String> {
///         Ok(format!("parcel {}", order.id))
///     }
///
///     #[on_success(retry = 5)]
///     async fn thank(&self, order: &Order, ship: &String, attempt: &Attempt) -> anyhow::Result<()> {
///         println!("{}: order {} is on its way in {ship}", attempt.idempotency_key(), order.id);
///         Ok(())
///     }
/// }
/// # let _ = PlaceOrder;
/// ```
///
/// It becomes due in the commit that records the last step. It runs at least once, also after a crash, and never
/// changes the outcome; [`JobRun::wait`] does not wait for it. When its attempts are used up, or it says
/// [`stop`](fn@stop), it is given up, and the job stays succeeded.
///
/// # Arguments
///
/// `retry`, `period`, `timeout` and `describe`, as those of [`#[step]`](macro@step), with the same defaults: without
/// `retry` it has one attempt. The defaults that `#[job]` gives are for steps only.
///
/// # Parameters
///
/// After `&self`, at any position: an output as `&T` under the name of its step; `&Attempt`; the context as `&T`.
///
/// `#[job]` reads it, so it needs no `use`, and one is reported as unused.
#[doc(inline)]
pub use vtask_macros::on_success;

/// Marks a method of a [`#[job]`](macro@job) as a step: once what it returns is recorded, it does not run again.
///
/// ```
/// use std::time::Duration;
///
/// use serde::{Deserialize, Serialize};
/// use vtask::{Attempt, JobContext, job, retry_after, stop};
///
/// #[derive(Default, Serialize, Deserialize, JobContext)]
/// struct Order {
///     cents: u64,
///     tries: u32,
/// }
///
/// struct PlaceOrder;
///
/// #[job]
/// impl PlaceOrder {
///     #[step(retry = 3, period = "1s", timeout = "30s")]
///     async fn charge(&self, order: &mut Order, attempt: &Attempt) -> anyhow::Result<String> {
///         if order.cents == 0 {
///             return Err(stop("nothing to pay")); // fails the job now
///         }
///         if attempt.number() == 1 {
///             return Err(retry_after(Duration::from_secs(30), "the bank is closed for a moment"));
///         }
///         order.tries = attempt.number();
///         Ok(attempt.idempotency_key().to_owned())
///     }
///
///     /// Not `async`, so it runs on the blocking pool.
///     #[step(on_exhausted = pause, name = "write_label", was = "label")]
///     fn print(&self, charge: &String) -> std::io::Result<usize> {
///         Ok(charge.len())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // A step is an ordinary method.
/// let mut order = Order::default();
/// let refused = PlaceOrder.charge(&mut order, &Attempt::default()).await;
/// assert_eq!(refused.unwrap_err().to_string(), "nothing to pay");
/// # }
/// ```
///
/// # Arguments
///
/// | argument | default | meaning |
/// |---|---|---|
/// | `retry = 3`, `retry = always` | 0 | how many attempts follow the first, at most 1 000 000; a crash is no attempt and repeats the step in any case |
/// | `period = "5s"`, `period = "5s..10m"` | `"1s..1m"` | the wait before a retry: fixed, or doubling from the first to the second, then spread by up to a quarter either way |
/// | `timeout = "30s"` | none; 5 s in a transaction | how long one attempt may take; then its future is dropped, and the attempt has failed |
/// | `on_exhausted = pause` | `fail` | what comes after the last failed attempt: the job fails, or is paused until somebody resumes it |
/// | `name = "ship"` | the method's name | the stored name: 1 to 64 bytes, no `/`, no control character, no `$` at its beginning |
/// | `was = "send"`, `was = ["oldest", "old"]` | none | former stored names, oldest first; idempotency keys go on using the oldest |
/// | `describe = "Ships."` | the first line of its documentation | one line for people, in [`JobInfo::description`] |
///
/// Durations have units (`"500ms"`, `"1h 30m"`), from 1 ms to 100 years in whole milliseconds. `period` without `retry`
/// and `on_exhausted` with `retry = always` are mistakes. The name of a step is stored, so a method that is renamed needs `name` or `was`.
///
/// # Parameters
///
/// The first is `&self`. Those after it stand in any order, and are told apart in this one:
///
/// 1. Named like an *earlier* step, a leading `_` ignored: the recorded output of that step, as `&T`.
/// 2. Of a type whose last segment is `Attempt` or `DatabaseTransaction`: `&`[`Attempt`], and the
///    `&`[`DatabaseTransaction`](sea_orm::DatabaseTransaction) of a [step in a transaction](#steps-in-a-transaction).
/// 3. The one that is left over: the context, as `&T` or `&mut T`, the same `T` in every method. If none has one, the
///    data is `()`.
///
/// # What it returns
///
/// A `Result<T, E>`, also behind an alias. The output `T` is `Serialize + DeserializeOwned + Send + Sync + 'static`,
/// and has at most 1 MiB as JSON; with the data and all other outputs it has at most 4 MiB. More fails the job at once
/// ([`FailureKind::TooLarge`]). The error `E` converts into `Box<dyn Error + Send + Sync>`, as `anyhow::Error`, boxes,
/// `String` and types that implement `Error` do. A panic is a failed attempt with its message. [`stop`](fn@stop) fails
/// the job without a retry; [`retry_after`] sets the wait. Both are found anywhere in the error's chain of sources.
///
/// # What an attempt begins with
///
/// The context as last recorded. What a failed attempt changed in it is gone, whether it ended by an error, a panic, a
/// timeout or a crash; only [`stop`](fn@stop) saves it, with the failure. Where vtask is built with debug assertions,
/// every attempt begins with the decoded checkpoint, and data or an output that does not read back as itself fails the
/// attempt that made it.
///
/// # Steps that block
///
/// A step that is not `async` runs on the runtime's blocking pool and cannot be interrupted, so it has no `timeout`; it
/// asks [`Attempt::is_cancelled`]. An `async` step that blocks its thread beyond its timeout keeps its slot until it
/// ends; the next attempt waits for it up to the center's [`grace`](JobCenterBuilder::grace).
///
/// # Steps in a transaction
///
/// An `async` step with a parameter `&DatabaseTransaction` works in a transaction of the database that holds the jobs.
/// What it writes in it and the record of the step are one commit: both are there, or neither, whatever dies.
///
/// ```
/// use sea_orm::{ConnectionTrait, DatabaseTransaction};
/// use vtask::{Client, JobCenter, job};
///
/// struct Ship;
///
/// #[job]
/// impl Ship {
///     #[step(retry = 3, timeout = "2s")]
///     async fn ship(&self, tx: &DatabaseTransaction) -> anyhow::Result<()> {
///         tx.execute_unprepared("UPDATE stock SET pieces = pieces - 1").await?; // exactly once
///         Ok(())
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> anyhow::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let database = sea_orm::Database::connect(format!("sqlite://{}/shop.db?mode=rwc", folder.path().display())).await?;
/// # database.execute_unprepared("CREATE TABLE stock (pieces INTEGER)").await?;
/// let client = Client::from_connection(&database).await?;
/// let center = JobCenter::builder(&client).register(Ship).start().await?;
/// ShipHandle::new(&client).invoke(()).await?.wait().await?;
/// # center.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// - An attempt that fails takes back what it wrote, also where it says [`stop`](fn@stop). One that times out is cut off
///   with its connection; what it has locked is free when the server has ended its statement. PostgreSQL and MariaDB do that
///   within the longest timeout of all such steps.
/// - Return the errors of the transaction. vtask notices where the database has rolled it back meanwhile, as after a
///   deadlock, or takes nothing more in it; then the attempt has failed, and nothing is left of it. Leave `COMMIT` and
///   `ROLLBACK` to vtask, and end the step with an error where a nested transaction failed to begin or was cut off, because
///   the driver then rolls the outer one back; leave no nested one to a task that outlives the step. On MySQL a statement
///   such as `CREATE TABLE` commits by itself.
/// - Where it is not known whether the commit went through, vtask finds out. If it did not, or another conflict was in the
///   way, or the step failed when its connection was lost, the whole step runs again in a new transaction, and no attempt is
///   spent, unless that happens ten times in a row. A deadlock spends one: say `retry`. So effects elsewhere, such as a request
///   to a bank, still happen *at least* once.
/// - Invoke other jobs [`within`](Invoke::within) the transaction. On SQLite, which has one writer, to invoke one beside
///   it, to wait for one or to change one is refused with [`StorageError::OwnTransaction`], because that would wait for
///   the step itself; and while the step works, nothing else is written to the file, also where it blocks its
///   thread. So keep it short.
/// - At most [`transactions`](JobCenterBuilder::transactions) such steps run at a time, each on a connection beside the
///   others, which later steps use after it: leave nothing of the session behind, be it a setting, a temporary table, a lock
///   or a variable, and do not point it at other tables by `SET LOCAL search_path`, `SET LOCAL ROLE` or `USE`, for vtask
///   records the step on it. The others wait with the slots of
///   their jobs, so give a job of such steps a `concurrency` of its own. Its isolation is `READ COMMITTED`, its locks are waited for as long as the longest timeout of all of them.
/// - Reports of [`progress`](Attempt::progress) are not saved while it works.
/// - A storage without transactions, such as that of [`Client::in_memory`], refuses the job at
///   [`start`](JobCenterBuilder::start).
///
/// `#[job]` reads it, so it needs no `use`, and one is reported as unused.
///
/// `cfg` on a step is refused: nodes that are built differently would disagree about the job.
#[doc(inline)]
pub use vtask_macros::step;
