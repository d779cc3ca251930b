//! A storage that fails: before a commit, after it, or for a while.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vtask::{Client, InvokeError, JobContext, StorageError, WaitError, job};

use crate::hooked::{Fault, faulty};
use crate::log::Log;
use crate::setup::{paused_storage, start};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Sum {
    #[context(keyword)]
    id: u32,
    total: u32,
}

#[derive(Default)]
struct Adds {
    log: Log,
}

#[job]
impl Adds {
    #[step]
    async fn one(&self, sum: &mut Sum) -> anyhow::Result<u32> {
        self.log.add(format!("{} one", sum.id));
        sum.total += 1;
        Ok(sum.total)
    }

    #[step]
    async fn two(&self, sum: &mut Sum) -> anyhow::Result<u32> {
        self.log.add(format!("{} two", sum.id));
        sum.total += 10;
        Ok(sum.total)
    }
}

#[tokio::test(start_paused = true)]
async fn call_whose_answer_is_lost_is_settled_without_running_the_step_again() {
    for call in ["insert", "claim", "write"] {
        let mut number = 0;
        // Every second call of the kind is carried out and its answer lost.
        let storage = faulty(move |name| {
            number += u32::from(name == call);
            (name == call && number % 2 == 1).then_some(Fault::After)
        });
        let client = Client::with_seed(storage, 3);
        let job = Adds::default();
        let log = job.log.clone();
        let _center = start(&client, job).await;
        let began = tokio::time::Instant::now();
        for id in 0..5 {
            let run = AddsHandle::new(&client).invoke(Sum { id, total: 0 }).await.unwrap();
            assert!(run.created(), "{call}: its own row is not somebody else's");
            assert_eq!(run.wait().await.unwrap(), 11, "{call}");
        }
        assert_eq!(log.all().len(), 10, "{call}: {:?}", log.all());
        assert!(began.elapsed() < Duration::from_secs(1), "{call}: a write that landed was taken for a lost lease");
    }
}

#[tokio::test(start_paused = true)]
async fn storage_that_is_away_for_a_while_costs_time_and_nothing_else() {
    let mut left = 40;
    let storage = faulty(move |_| {
        left -= i32::from(left > 0);
        (left > 0).then_some(Fault::Before)
    });
    let client = Client::with_seed(storage, 4);
    let job = Adds::default();
    let log = job.log.clone();
    let _center = start(&client, job).await;
    let run = AddsHandle::new(&client).invoke(Sum { id: 1, total: 0 }).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 11);
    assert_eq!(log.all(), ["1 one", "1 two"]);
    assert_eq!(run.info().await.unwrap().failed_attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn invoke_gives_up_on_a_storage_that_stays_away() {
    let client = Client::with_seed(faulty(|_| Some(Fault::Before)), 5);
    let began = tokio::time::Instant::now();
    let error = AddsHandle::new(&client).invoke(Sum { id: 1, total: 0 }).await.unwrap_err();
    assert!(matches!(error, InvokeError::Storage { source: StorageError::Unavailable(_), .. }), "{error:?}");
    assert!((30..33).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn many_are_given_up_together_and_each_is_told_its_keyword() {
    let client = Client::with_seed(faulty(|_| Some(Fault::Before)), 5);
    let began = tokio::time::Instant::now();
    let data = (0..1500).map(|id| Sum { id, total: 0 });
    let answers = AddsHandle::new(&client).invoke_many(data).await;
    assert!((30..33).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    for (id, answer) in answers.into_iter().enumerate() {
        let wanted = format!("it is not known whether job \"adds/{id}\" was saved: invoke it again with this keyword");
        assert_eq!(answer.unwrap_err().to_string(), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn job_that_the_storage_refuses_to_record_is_paused_and_its_neighbours_go_on() {
    let storage = faulty({
        let mut writes = 0;
        move |name| {
            writes += u32::from(name == "write");
            // The first batch is refused whole and once more by itself; then the storage takes everything.
            (name == "write" && writes == 1).then_some(Fault::Refuse)
        }
    });
    let client = Client::with_seed(storage, 6);
    let _center = start(&client, Adds::default()).await;
    let first = AddsHandle::new(&client).invoke(Sum { id: 1, total: 0 }).await.unwrap();
    let WaitError::Paused { message, .. } = first.wait().await.unwrap_err() else { panic!("it has to be paused") };
    assert!(message.starts_with("the storage refused to record the job"), "{message}");
    let second = AddsHandle::new(&client).invoke(Sum { id: 2, total: 0 }).await.unwrap();
    assert_eq!(second.wait().await.unwrap(), 11);
    first.resume().await.unwrap();
    assert_eq!(first.wait().await.unwrap(), 11);
}

#[tokio::test(start_paused = true)]
async fn row_of_this_node_that_it_knows_nothing_of_is_freed_and_runs() {
    let mut swallowed = 0;
    let storage = faulty(move |name| {
        swallowed += u32::from(name == "claim");
        (name == "claim" && swallowed <= 3).then_some(Fault::Swallow)
    });
    let client = Client::with_seed(storage, 7);
    let job = Adds::default();
    let log = job.log.clone();
    let _center = start(&client, job).await;
    let runs = AddsHandle::new(&client).invoke_many((0..10).map(|id| Sum { id, total: 0 })).await;
    for run in runs {
        let run = run.unwrap();
        let waited = tokio::time::timeout(Duration::from_secs(600), run.wait()).await;
        assert_eq!(waited.expect("the job ends").unwrap(), 11);
        assert_eq!(run.info().await.unwrap().crashes, 0, "nothing died");
    }
    assert_eq!(log.all().len(), 20);
}

/// Asks, from another client, to cancel its own job just before its first step ends.
struct CancelsItself {
    elsewhere: Client,
    log: Log,
}

#[job]
impl CancelsItself {
    #[step]
    async fn first(&self, attempt: &vtask::Attempt) -> anyhow::Result<u32> {
        self.elsewhere.cancel(attempt.keyword()).await?;
        Ok(1)
    }

    #[step]
    async fn second(&self) -> anyhow::Result<u32> {
        self.log.add("second");
        Ok(2)
    }
}

#[tokio::test(start_paused = true)]
async fn no_step_begins_once_a_cancel_is_acknowledged() {
    let storage = paused_storage();
    let client = Client::with_seed(storage.clone(), 8);
    let log = Log::default();
    let job = CancelsItself { elsewhere: Client::with_seed(storage, 9), log: log.clone() };
    let _center = start(&client, job).await;
    let run = CancelsItselfHandle::new(&client).invoke(()).await.unwrap();
    assert!(matches!(run.wait().await, Err(WaitError::Cancelled { .. })));
    assert_eq!(log.count("second"), 0);
    assert_eq!(run.output(CancelsItself::FIRST).await.unwrap(), Some(1), "the step that ran is recorded");
}

#[tokio::test(start_paused = true)]
async fn random_faults_lose_nothing_and_repeat_no_recorded_step() {
    for seed in 0..50_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let storage = faulty(move |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            match state % 10 {
                0 | 1 => Some(Fault::Before),
                2 | 3 => Some(Fault::After),
                _ => None,
            }
        });
        let client = Client::with_seed(storage, seed);
        let job = Adds::default();
        let log = job.log.clone();
        let center = start(&client, job).await;
        let runs = AddsHandle::new(&client).invoke_many((0..20).map(|id| Sum { id, total: 0 })).await;
        for run in runs {
            let waited = tokio::time::timeout(Duration::from_secs(600), run.unwrap().wait()).await;
            assert_eq!(waited.expect("seed {seed}: the job ends").unwrap(), 11, "seed {seed}");
        }
        assert_eq!(log.all().len(), 40, "seed {seed}: {:?}", log.all());
        center.shutdown().await.unwrap();
    }
}
