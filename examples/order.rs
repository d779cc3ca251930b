//! Charge, then ship, then thank: typed outputs, retries, a stop, callbacks and a secret.
//!
//! Run it with `cargo run --example order`. Kill it anywhere and run it again: it goes on from the step it had reached.
//! The jobs are in the file `order.db`, or wherever you say:
//! `cargo run --example order -- postgres://user:password@host/db`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vtask::{
    Attempt, Client, FailureKind, HistoryEvent, JobCenter, JobContext, JobFailure, Secret, WaitError, job, stop,
};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Order {
    /// The keyword is `place_order/7`: two invocations of order 7 are one job.
    #[context(keyword)]
    id: u64,
    cents: u64,
    /// Never shows itself: not in `Debug`, logs or errors.
    card: Secret<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    number: String,
    cents: u64,
}

/// The other side. A real one would recognize a repeated request by its key, and so does this.
struct Bank;

impl Bank {
    async fn charge(&self, card: &str, cents: u64, key: &str) -> anyhow::Result<Receipt> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        println!("bank: {cents} cents from the card that ends in {}", &card[card.len() - 4..]);
        Ok(Receipt { number: key[..8].to_owned(), cents })
    }
}

/// What the steps need to work; never saved.
struct PlaceOrder {
    bank: Bank,
}

#[job(name = "place_order")]
impl PlaceOrder {
    /// Charges the card.
    #[step(retry = 3, period = "100ms")]
    async fn charge(&self, order: &mut Order, attempt: &Attempt) -> anyhow::Result<Receipt> {
        if order.cents == 0 {
            return Err(stop("nothing to pay"));
        }
        println!("charge: attempt {}", attempt.number());
        anyhow::ensure!(attempt.number() > 1, "the bank did not answer");
        self.bank.charge(order.card.expose(), order.cents, attempt.idempotency_key()).await
    }

    /// Ships the goods; `charge` is the output of the step of that name.
    #[step(retry = always, period = "5s..10m", timeout = "30s")]
    async fn ship(&self, order: &Order, charge: &Receipt) -> anyhow::Result<String> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        println!("ship: order {}, paid {} cents", order.id, charge.cents);
        Ok(format!("parcel-{}", order.id))
    }

    #[on_success(retry = 5)]
    async fn thank(&self, order: &Order, ship: &String) -> anyhow::Result<()> {
        println!("thank: order {} is on its way in {ship}", order.id);
        Ok(())
    }

    #[on_failure]
    async fn refund(&self, order: &Order, charge: Option<&Receipt>, failure: &JobFailure) -> anyhow::Result<()> {
        match charge {
            Some(receipt) => println!("refund: order {}, receipt {}", order.id, receipt.number),
            None => println!("refund: order {} was not charged ({failure})", order.id),
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "sqlite://order.db".to_owned());
    let client = Client::connect(url).await?;
    let center = JobCenter::builder(&client).host("127.0.0.1:1234").register(PlaceOrder { bank: Bank }).start().await?;

    let orders = PlaceOrderHandle::new(&client);
    let card = Secret::new("4111 1111 1111 1234".to_owned());
    let run = orders.invoke(Order { id: 7, cents: 4200, card: card.clone() }).await?;
    println!("order 7 is job {} with keyword {}, new: {}", run.id(), run.keyword(), run.created());
    let parcel: String = run.wait().await?;
    println!("order 7: {parcel}");
    println!("saved: {:?}", run.context().await?);

    let free = orders.invoke(Order { id: 8, cents: 0, card }).await?;
    match free.wait().await {
        Err(WaitError::Failed { failure, .. }) if failure.kind() == FailureKind::Stopped => {
            println!("order 8: {failure}");
        }
        other => anyhow::bail!("order 8 has to stop, not {other:?}"),
    }
    // A callback runs after the outcome, and here or on another node; this example waits to see both.
    for run in [&run, &free] {
        while !run.info().await?.history.iter().any(|entry| entry.event == HistoryEvent::CalledBack) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    center.shutdown().await?;
    Ok(())
}
