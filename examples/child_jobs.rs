//! A step that invokes another job, once, however often the step itself runs.
//!
//! Run it with `cargo run --example child_jobs`. The jobs are in memory, or wherever you say:
//! `cargo run --example child_jobs -- postgres://user:password@host/db`.

use serde::{Deserialize, Serialize};
use vtask::{Attempt, Client, JobCenter, JobContext, JobFilter, job};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Mail {
    to: String,
}

struct SendMail;

#[job]
impl SendMail {
    #[step(retry = 3)]
    async fn send(&self, mail: &Mail) -> anyhow::Result<usize> {
        println!("mail to {}", mail.to);
        Ok(mail.to.len())
    }
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Party {
    #[context(keyword)]
    name: String,
    guests: Vec<String>,
}

/// Holds the handle of the job that it invokes.
struct Invite {
    mails: SendMailHandle,
}

#[job]
impl Invite {
    /// Invokes one mail a guest. The keyword is made from the attempt's idempotency key, which is the same in every
    /// attempt: whatever was invoked before is found and not invoked again.
    #[step(retry = 2, period = "10ms")]
    async fn invite(&self, party: &Party, attempt: &Attempt) -> anyhow::Result<usize> {
        println!("invite: attempt {}", attempt.number());
        let mut runs = Vec::new();
        for guest in &party.guests {
            let keyword = format!("{}/{guest}", attempt.idempotency_key());
            runs.push(self.mails.invoke(Mail { to: guest.clone() }).keyword(keyword).await?);
            anyhow::ensure!(attempt.number() > 1 || runs.len() < 2, "something broke after the second guest");
        }
        let mut sent = 0;
        for run in runs {
            // The slot of this step is lent to the mails while it waits: this works with a concurrency of 1.
            sent += usize::from(run.wait().await? > 0);
        }
        Ok(sent)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = match std::env::args().nth(1) {
        Some(url) => Client::connect(url).await?,
        None => Client::in_memory(),
    };
    let invite = Invite { mails: SendMailHandle::new(&client) };
    let center = JobCenter::builder(&client).concurrency(1).register(invite).register(SendMail).start().await?;

    let guests = ["ada", "grace", "barbara"].map(str::to_owned).to_vec();
    let run = InviteHandle::new(&client).invoke(Party { name: "launch".to_owned(), guests }).await?;
    println!("sent: {}", run.wait().await?);
    let mails = client.list(&JobFilter::default().name("send_mail")).await?;
    println!("mail jobs: {}", mails.jobs.len());
    center.shutdown().await?;
    Ok(())
}
