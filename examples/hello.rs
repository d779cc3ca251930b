//! A job of two steps, saved in a database after each of them.
//!
//! Run it twice: `cargo run --example hello`. The second time it finds that the keyword already is a job. The jobs are in
//! the file `hello.db`, or wherever you say: `cargo run --example hello -- postgres://user:password@host/db`.

use serde::{Deserialize, Serialize};
use vtask::{Attempt, Client, JobCenter, JobContext, job};

/// What the steps share; it is saved after each of them.
#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Greeting {
    text: String,
}

/// What the steps need to work; never saved. This one looks at its own job.
struct Hello {
    jobs: HelloHandle,
}

#[job]
impl Hello {
    /// Says hello.
    #[step(retry = 3, period = "1s")]
    async fn hello(&self, greeting: &mut Greeting) -> anyhow::Result<String> {
        greeting.text = "hello".to_owned();
        println!("step 1 says: {}", greeting.text);
        Ok(greeting.text.clone())
    }

    /// Says the rest; `hello` is the output of the step of that name.
    #[step]
    async fn world(&self, greeting: &mut Greeting, hello: &String, attempt: &Attempt) -> anyhow::Result<String> {
        if let Some(run) = self.jobs.find(attempt.keyword()).await? {
            println!("saved after step 1: {:?}", run.context().await?);
        }
        greeting.text = format!("{hello} world");
        println!("step 2 says: {}", greeting.text);
        Ok(greeting.text.clone())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "sqlite://hello.db".to_owned());
    let client = Client::connect(url).await?;
    let jobs = HelloHandle::new(&client);
    let hello = Hello { jobs: jobs.clone() };
    let center = JobCenter::builder(&client).host("127.0.0.1:1234").register(hello).start().await?;

    let run = jobs.invoke(Greeting { text: String::new() }).keyword("uuid1").await?;
    if run.created() {
        let result: String = run.wait().await?;
        println!("saved after step 2: {:?}", run.context().await?);
        println!("result: {result:?}");
    } else {
        println!("keyword {} already is job {}: nothing was started", run.keyword(), run.id());
        println!("its result: {:?}", run.wait().await?);
    }
    center.shutdown().await?;
    Ok(())
}
