//! What must never show.

use serde::{Deserialize, Serialize};
use vtask::{Client, JobContext, Secret, job, stop};

use crate::database::on_each_database;
use crate::said::{CANARY, watch};
use crate::setup::center;

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

on_each_database! {
    async fn secret_shows_in_no_log_error_or_debug_text(database) {
        let said = watch().keep();
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
        said.has_betrayed_nothing();
        let said = said.text();
        assert!(said.contains("job{name=\"pay\""), "the spans of jobs are there: {}", &said[..said.len().min(2000)]);
        assert!(said.contains("attempt=1"));
    }
}
