//! What must never show.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use serde::{Deserialize, Serialize};
use tracing_subscriber::fmt::MakeWriter;
use vtask::{Client, JobContext, Secret, job, stop};

use crate::database::on_each_database;
use crate::setup::center;

const CANARY: &str = "canary-4111-1111";

#[derive(Debug, Clone, Serialize, Deserialize, JobContext)]
struct Payment {
    #[context(keyword)]
    id: u32,
    card: Secret<String>,
}

struct Pay;

#[job]
impl Pay {
    #[step]
    async fn authorize(&self, payment: &Payment) -> anyhow::Result<Secret<String>> {
        Ok(Secret::new(format!("token of {}", payment.card.expose())))
    }

    #[step(retry = 1, period = "1ms")]
    async fn charge(&self, payment: &Payment, authorize: &Secret<String>) -> anyhow::Result<()> {
        assert!(authorize.expose().contains(CANARY));
        Err(if payment.id == 1 {
            stop(format!("{payment:?} and {authorize:?}"))
        } else {
            anyhow::anyhow!("{payment:?}")
        })
    }
}

/// Everything that tracing says.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Said {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What the process has logged; one for all tests of the process.
static SAID: LazyLock<Said> = LazyLock::new(|| {
    let said = Said::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(said.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("nobody else sets one");
    said
});

on_each_database! {
    async fn secret_shows_in_no_log_error_or_debug_text(database) {
        let said = &*SAID;
        for client in [Client::in_memory(), database.client().await] {
            let _center = center(&client).register(Pay).start().await.unwrap();
            for id in [1, 2] {
                let payment = Payment { id, card: CANARY.to_owned().into() };
                let run = PayHandle::new(&client).invoke(payment).await.unwrap();
                let error = run.wait().await.unwrap_err();
                let context = run.context().await.unwrap();
                let info = run.info().await.unwrap();
                let shown = format!("{error} {error:?} {context:?} {info:?} {run:?}");
                assert!(!shown.contains(CANARY), "{shown}");
                assert!(shown.contains("Secret(…)"), "{shown}");
                assert_eq!(context.data.card.expose(), CANARY);
            }
            let wrong = PayHandle::new(&client).find("pay/1").await.unwrap().unwrap();
            assert_eq!(wrong.keyword(), "pay/1");
            let bad = client.invoke_json("pay", format!(r#"{{"id":3,"card":{{"$secret":["{CANARY}"]}}}}"#), "bad");
            let error = bad.await.unwrap().wait().await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
        }
        let said = String::from_utf8(said.0.lock().unwrap().clone()).unwrap();
        assert!(said.contains("job{name=\"pay\""), "the spans of jobs are there: {}", &said[..said.len().min(2000)]);
        assert!(said.contains("attempt=1"));
        assert!(!said.contains(CANARY), "a log line holds the secret");
    }
}
