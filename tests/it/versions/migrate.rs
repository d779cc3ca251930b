//! Jobs whose data or outputs have changed their shape.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;
use vtask::storage::value::{Boot, NewNode};
use vtask::storage::{ReadJobs, WriteNodes};
use vtask::{Client, JobContext, Reason, RunError, SavedContext, Secret, Status, WaitError, job};

use crate::database::on_each_database;
use crate::log::Log;
use crate::setup::{center, paused_client, paused_storage, start};

/// The program that is replaced: cents, and a receipt that is a text.
mod before {
    use super::{Deserialize, JobContext, Secret, Serialize, job};

    #[derive(Serialize, Deserialize, JobContext)]
    pub(super) struct Bill {
        pub(super) cents: u64,
        pub(super) card: Secret<String>,
    }

    /// Stays in its last step, if it is told to.
    pub(super) struct Billing {
        pub(super) stays: bool,
    }

    #[job(name = "billing")]
    impl Billing {
        #[step]
        pub(super) async fn charge(&self, bill: &Bill) -> anyhow::Result<String> {
            Ok(format!("receipt over {}", bill.cents))
        }

        #[step]
        pub(super) async fn mail(&self, charge: &String) -> anyhow::Result<usize> {
            if self.stays {
                std::future::pending::<()>().await;
            }
            Ok(charge.len())
        }
    }
}

/// Data with a currency, and a receipt with fields.
#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Bill {
    amount: Amount,
    card: Secret<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Amount {
    cents: u64,
    currency: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Receipt {
    text: String,
}

#[derive(Clone, Default)]
struct Billing {
    log: Log,
}

#[job(name = "billing", migrate = mend)]
impl Billing {
    #[step]
    async fn charge(&self, bill: &Bill) -> anyhow::Result<Receipt> {
        self.log.add("charge");
        Ok(Receipt { text: format!("receipt over {} {}", bill.amount.cents, bill.amount.currency) })
    }

    #[step]
    async fn mail(&self, charge: &Receipt, bill: &Bill) -> anyhow::Result<usize> {
        self.log.add(format!("mail {} {} {}", charge.text, bill.amount.currency, bill.card.expose()));
        Ok(charge.text.len())
    }
}

fn mend(saved: &mut SavedContext) -> anyhow::Result<()> {
    if let Some(cents) = saved.data.get("cents").and_then(Value::as_u64) {
        anyhow::ensure!(cents != 13, "nobody knows what 13 cents are");
        assert_ne!(cents, 17, "17 cents are a panic");
        // Exactly what the step will save: its data does not differ from what it was given, and is saved all the same.
        saved.data = json!({"amount": {"cents": cents, "currency": "EUR"}, "card": saved.data["card"]});
    }
    if let Some(text) = saved.outputs.get("charge").and_then(Value::as_str).map(str::to_owned) {
        saved.outputs["charge"] = json!({ "text": text });
    }
    Ok(())
}

fn bill(cents: u64) -> before::Bill {
    before::Bill { cents, card: Secret::new("4242".to_owned()) }
}

/// A job that the old program has left in its second step.
async fn left_in_mail(client: &Client, keyword: &str, cents: u64) -> vtask::JobRun<Billing> {
    let old = center(client).grace(Duration::ZERO).register(before::Billing { stays: true }).start().await.unwrap();
    let run = before::BillingHandle::new(client).invoke(bill(cents)).keyword(keyword).await.unwrap();
    while run.info().await.unwrap().step_number < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    old.shutdown().await.unwrap();
    BillingHandle::new(client).find(keyword).await.unwrap().unwrap()
}

on_each_database! {
    async fn data_and_outputs_are_mended_and_saved_with_the_next_step(database) {
        let (client, job) = (database.client().await, Billing::default());
        let run = left_in_mail(&client, "k", 100).await;
        // Who only looks mends too, and saves nothing.
        let context = run.context().await.unwrap();
        assert_eq!(context.data.amount, Amount { cents: 100, currency: "EUR".to_owned() });
        let receipt = Receipt { text: "receipt over 100".to_owned() };
        assert_eq!((context.charge, run.output(Billing::CHARGE).await.unwrap()), (Some(receipt.clone()), Some(receipt)));
        assert_eq!(client.find("k").await.unwrap().unwrap().output("charge").await.unwrap(), Some(json!("receipt over 100")));
        let _new = start(&client, job.clone()).await;
        assert_eq!(run.wait().await.unwrap(), 16);
        assert_eq!(job.log.all(), ["mail receipt over 100 EUR 4242"]);
        let raw = client.find("k").await.unwrap().unwrap();
        let data = json!({"amount": {"cents": 100, "currency": "EUR"}, "card": {"$secret": "4242"}});
        assert_eq!(raw.data().await.unwrap(), data);
        assert_eq!(raw.output("charge").await.unwrap(), Some(json!({"text": "receipt over 100"})));
        assert_eq!(raw.wait().await.unwrap(), json!(16), "the order of recording stays");
    }

    async fn what_cannot_be_mended_is_paused_and_goes_on_after_a_mend(database) {
        let client = database.client().await;
        let runs = [left_in_mail(&client, "13", 13).await, left_in_mail(&client, "17", 17).await];
        let job = Billing::default();
        let _new = start(&client, job.clone()).await;
        let says = ["nobody knows what 13 cents are", "17 cents are a panic"];
        for (run, says) in runs.iter().zip(says) {
            let Err(WaitError::Paused { reason, message, .. }) = run.wait().await else { panic!("it has to be paused") };
            assert_eq!(reason, Reason::Undecodable);
            assert!(message.contains(says) && message.contains("then resume the job"), "{message}");
            let Err(RunError::Decode { source, .. }) = run.context().await else { panic!("it cannot be read") };
            assert!(source.to_string().contains(says), "{source}");
            assert_eq!(run.info().await.unwrap().failed_attempts, 0);
        }
        let raw = database.raw().await;
        raw.execute("UPDATE task SET input = '{\"cents\":7,\"card\":{\"$secret\":\"1\"}}'").await;
        for run in &runs {
            run.resume().await.unwrap();
            assert_eq!(run.wait().await.unwrap(), 15);
        }
        assert_eq!(job.log.all(), ["mail receipt over 13 EUR 1", "mail receipt over 17 EUR 1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn output_of_an_ended_job_is_mended_for_whoever_waits() {
    let client = paused_client();
    let old = start(&client, before::Billing { stays: false }).await;
    let run = before::BillingHandle::new(&client).invoke(bill(5)).keyword("k").await.unwrap();
    run.wait().await.unwrap();
    old.shutdown().await.unwrap();
    let run = BillingHandle::new(&client).find("k").await.unwrap().unwrap();
    assert_eq!(run.wait().await.unwrap(), 14);
    assert_eq!(run.output(Billing::CHARGE).await.unwrap(), Some(Receipt { text: "receipt over 5".to_owned() }));
}

/// Its last output has become another type.
mod last {
    use super::{SavedContext, Value, job, json};

    pub(super) struct Old;

    #[job(name = "last")]
    impl Old {
        #[step]
        async fn only(&self) -> anyhow::Result<u32> {
            Ok(1)
        }
    }

    pub(super) struct New;

    #[job(name = "last", migrate = New::mend)]
    impl New {
        #[step]
        async fn only(&self) -> Result<String, String> {
            Ok("new".to_owned())
        }

        fn mend(saved: &mut SavedContext) -> Result<(), String> {
            if saved.outputs.get("only").is_some_and(Value::is_number) {
                saved.outputs["only"] = json!("old");
            }
            Ok(())
        }
    }
}

#[tokio::test(start_paused = true)]
async fn output_that_another_program_has_just_recorded_is_mended_for_whoever_waits() {
    let client = paused_client();
    let _old = start(&client, last::Old).await;
    let run = last::NewHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), "old");
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Optional {
    cents: u64,
    #[serde(default)]
    note: Option<String>,
}

struct Notes;

#[job(name = "billing")]
impl Notes {
    #[step]
    async fn charge(&self, bill: &Optional) -> anyhow::Result<String> {
        Ok(format!("{}{}", bill.cents, bill.note.is_some()))
    }

    #[step]
    async fn mail(&self, charge: &String) -> anyhow::Result<usize> {
        Ok(charge.len())
    }
}

#[tokio::test(start_paused = true)]
async fn field_with_a_default_needs_no_function() {
    let client = paused_client();
    left_in_mail(&client, "k", 100).await;
    let _new = start(&client, Notes).await;
    let run = NotesHandle::new(&client).find("k").await.unwrap().unwrap();
    assert_eq!(run.wait().await.unwrap(), 16);
    assert_eq!(run.context().await.unwrap().data.note, None);
}

/// Reads neither the data of the others nor has their steps.
mod other {
    use super::{Deserialize, JobContext, Serialize, job};

    #[derive(Serialize, Deserialize, JobContext)]
    pub(super) struct Data {
        euros: u64,
    }

    pub(super) struct Other;

    #[job(name = "billing")]
    impl Other {
        #[step]
        async fn charge(&self) -> anyhow::Result<String> {
            Ok(String::new())
        }

        #[step]
        async fn mail(&self, data: &Data) -> anyhow::Result<usize> {
            Ok(usize::try_from(data.euros)?)
        }

        #[step]
        async fn archive(&self) -> anyhow::Result<()> {
            Ok(())
        }
    }
}

#[tokio::test(start_paused = true)]
async fn job_that_does_not_decode_is_left_to_the_program_that_saved_it() {
    const MINUTE: Duration = Duration::from_secs(60);
    let storage = paused_storage();
    let client = Client::with_seed(storage.clone(), 1);
    let run = left_in_mail(&client, "k", 100).await;
    let plan = storage.summaries(&[run.id()]).await.unwrap().remove(0).unwrap().state.plan;
    let plans = format!(r#"{{"billing":{{"hash":{plan},"steps":[],"on_success":false,"on_failure":false}}}}"#);
    let (host, version) = ("other".to_owned(), "99".to_owned());
    storage.join(&NewNode { boot: Boot(7), host, lease_ms: i64::MAX, version, plans }).await.unwrap();
    let _other = start(&client, other::Other).await;
    sleep(60 * MINUTE).await;
    assert_eq!(run.info().await.unwrap().status, Status::Running, "a node has its plan");
    storage.forget(&[Boot(7)]).await.unwrap();
    sleep(9 * MINUTE).await;
    assert_eq!(run.info().await.unwrap().status, Status::Running, "the node may come back");
    sleep(2 * MINUTE).await;
    assert_eq!(run.info().await.unwrap().reason, Some(Reason::Undecodable));
    run.resume().await.unwrap();
    let _old = start(&client, before::Billing { stays: false }).await;
    sleep(15 * MINUTE).await;
    run.resume().await.ok();
    sleep(MINUTE).await;
    assert_eq!(run.wait().await.unwrap(), 16);
}

/// Its first step has another name, which only `migrate` knows.
mod paid {
    use super::{Log, SavedContext, job};

    pub(super) struct Old;

    #[job(name = "paid")]
    impl Old {
        #[step]
        async fn bill(&self) -> anyhow::Result<String> {
            Ok("old".to_owned())
        }

        #[step]
        async fn mail(&self, bill: &String) -> anyhow::Result<usize> {
            Ok(bill.len())
        }
    }

    #[derive(Clone, Default)]
    pub(super) struct New {
        pub(super) log: Log,
    }

    #[job(name = "paid", migrate = New::mend)]
    impl New {
        #[step]
        pub(super) async fn pay(&self) -> anyhow::Result<String> {
            self.log.add("pay");
            Ok("new".to_owned())
        }

        #[step]
        pub(super) async fn mail(&self, pay: &String) -> anyhow::Result<u32> {
            self.log.add(format!("mail {pay}"));
            Ok(2)
        }

        fn mend(saved: &mut SavedContext) -> Result<(), String> {
            if let Some(output) = saved.outputs.remove("bill") {
                saved.outputs.insert("pay".to_owned(), output);
            }
            Ok(())
        }
    }
}

#[tokio::test(start_paused = true)]
async fn restart_sees_what_is_saved_as_this_program_reads_it() {
    let (client, job) = (paused_client(), paid::New::default());
    let old = start(&client, paid::Old).await;
    let runs = ["mail", "pay"].map(|keyword| paid::OldHandle::new(&client).invoke(()).keyword(keyword));
    for run in runs {
        run.await.unwrap().wait().await.unwrap();
    }
    old.shutdown().await.unwrap();
    let find = async |keyword| paid::NewHandle::new(&client).find(keyword).await.unwrap().unwrap();
    let (mail, pay) = (find("mail").await, find("pay").await);
    mail.restart(paid::New::MAIL).await.unwrap();
    pay.restart(paid::New::PAY).await.unwrap();
    assert_eq!(pay.output(paid::New::PAY).await.unwrap(), None, "it is dropped");
    let _new = start(&client, job.clone()).await;
    assert_eq!((mail.wait().await.unwrap(), pay.wait().await.unwrap()), (2, 2));
    let mut ran = job.log.all();
    ran.sort();
    assert_eq!(ran, ["mail new", "mail old", "pay"]);
}

#[tokio::test(start_paused = true)]
async fn restarted_job_that_an_old_program_cannot_read_is_left_to_the_one_that_restarted_it() {
    let (client, job) = (paused_client(), paid::New::default());
    let _old = start(&client, paid::Old).await;
    paid::OldHandle::new(&client).invoke(()).keyword("k").await.unwrap().wait().await.unwrap();
    let run = paid::NewHandle::new(&client).find("k").await.unwrap().unwrap();
    run.restart(paid::New::MAIL).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(run.info().await.unwrap().status, Status::Running, "the old program leaves it");
    let _new = start(&client, job.clone()).await;
    assert_eq!((run.wait().await.unwrap(), job.log.all()), (2, vec!["mail old".to_owned()]));
}

/// Stops after what is saved was mended, all of it under one condition.
#[derive(Clone, Default)]
struct Stops {
    /// Whether its callback does not end.
    hangs: bool,
    log: Log,
}

#[job(name = "billing", migrate = mend_at_once)]
impl Stops {
    #[step]
    async fn charge(&self) -> anyhow::Result<Receipt> {
        Ok(Receipt { text: String::new() })
    }

    #[step]
    async fn mail(&self, bill: &Bill) -> anyhow::Result<usize> {
        Err(vtask::stop(bill.amount.currency.clone()))
    }

    #[on_failure]
    async fn refund(&self, charge: Option<&Receipt>) -> anyhow::Result<()> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        self.log.add(format!("refund {:?}", charge.map(|receipt| &receipt.text)));
        Ok(())
    }
}

fn mend_at_once(saved: &mut SavedContext) -> anyhow::Result<()> {
    if saved.data.get("cents").is_some() {
        mend(saved)?;
    }
    Ok(())
}

on_each_database! {
    async fn stop_saves_mended_outputs_with_the_mended_data(database) {
        let client = database.client().await;
        left_in_mail(&client, "k", 100).await;
        let hanging = Stops { hangs: true, ..Stops::default() };
        let first = center(&client).grace(Duration::ZERO).register(hanging).start().await.unwrap();
        let run = StopsHandle::new(&client).find("k").await.unwrap().unwrap();
        assert!(matches!(run.wait().await, Err(WaitError::Failed { .. })));
        first.shutdown().await.unwrap();
        let job = Stops::default();
        let _second = start(&client, job.clone()).await;
        let limit = std::time::Instant::now() + Duration::from_secs(30);
        while job.log.all().is_empty() && std::time::Instant::now() < limit {
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(job.log.all(), [r#"refund Some("receipt over 100")"#]);
    }
}
