//! The job of the design: public, with documentation, in a public module.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vtask::{Attempt, JobContext, JobFailure, Secret, job, stop};

/// What is bought.
#[derive(Debug, Serialize, Deserialize, JobContext)]
pub struct Order {
    #[context(keyword)]
    id: u64,
    cents: u64,
    card: Secret<String>,
}

/// That it is paid.
#[derive(Debug, Serialize, Deserialize)]
pub struct Receipt(u64);

/// Where it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tracking(String);

/// Takes money.
pub trait Bank: Send + Sync + 'static {
    /// Takes so much.
    ///
    /// # Errors
    ///
    /// If there is not so much.
    fn charge(&self, card: &str, cents: u64, key: &str) -> anyhow::Result<Receipt>;
}

/// Charges and ships.
pub struct PlaceOrder {
    bank: Arc<dyn Bank>,
}

#[job(name = "place_order")]
impl PlaceOrder {
    /// Is no step, and stays as it is.
    pub const CURRENCY: &'static str = "EUR";

    /// Is no step either.
    pub fn new(bank: Arc<dyn Bank>) -> Self {
        Self { bank }
    }

    /// Charges the card.
    #[step(retry = 3, period = "1s")]
    pub async fn charge(&self, order: &mut Order, attempt: &Attempt) -> anyhow::Result<Receipt> {
        if order.cents == 0 {
            return Err(stop("nothing to pay"));
        }
        order.cents += 1;
        self.bank.charge(order.card.expose(), order.cents, attempt.idempotency_key())
    }

    /// Ships; `charge` is the output of the step of that name.
    #[step(retry = always, period = "5s..10m", timeout = "30s")]
    async fn ship(&self, order: &Order, charge: &Receipt) -> anyhow::Result<Tracking> {
        Ok(Tracking(format!("{} for {} {}", order.id, charge.0, Self::CURRENCY)))
    }

    #[on_success(retry = 5)]
    async fn thank(&self, order: &Order, ship: &Tracking, attempt: &Attempt) -> anyhow::Result<()> {
        anyhow::ensure!(order.id > 0 && !ship.0.is_empty() && attempt.number() < 3, "no thanks");
        Ok(())
    }

    #[on_failure]
    async fn refund(&self, charge: Option<&Receipt>, failure: &JobFailure) -> anyhow::Result<()> {
        anyhow::ensure!(charge.is_none(), "not refunded: {}", failure.message());
        Ok(())
    }
}
