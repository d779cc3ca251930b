//! Saving jobs: what is accepted, what is refused, and what the refusal says.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use vtask::{Client, InvokeError, JobContext, JobFilter, KeywordError, Status, job};

use crate::database::on_each_database;
use crate::setup::{center, paused_client, start};

#[derive(Debug, Clone, Serialize, Deserialize, JobContext)]
struct Text {
    text: String,
}

fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

struct Echo;

#[job]
impl Echo {
    #[step]
    async fn only(&self, text: &Text) -> anyhow::Result<String> {
        Ok(text.text.clone())
    }
}

struct Other;

#[job]
impl Other {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Pair {
    #[context(keyword)]
    left: String,
    #[context(keyword)]
    right: u32,
    note: String,
}

struct Paired;

#[job(name = "paired_now", was = "paired")]
impl Paired {
    #[step]
    async fn only(&self, pair: &Pair) -> anyhow::Result<String> {
        Ok(pair.note.clone())
    }
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Name {
    #[context(keyword)]
    name: String,
}

struct Named;

#[job]
impl Named {
    #[step]
    async fn only(&self, name: &Name) -> anyhow::Result<usize> {
        Ok(name.name.len())
    }
}

on_each_database! {
    async fn keywords_are_compared_byte_for_byte(database) {
        for client in [Client::in_memory(), database.client().await] {
            let handle = EchoHandle::new(&client);
            let keywords =
                ["Order-1", "order-1", "Order-1 ", "Órder-1", "O\u{301}rder-1", " Order-1", "Order-1\t", "%", "_", "'; --"];
            let mut ids = BTreeSet::new();
            for keyword in keywords {
                let run = handle.invoke(text(keyword)).keyword(keyword).await.unwrap();
                assert!(run.created(), "{keyword:?}");
                ids.insert(run.id());
            }
            assert_eq!(ids.len(), keywords.len());
            for keyword in keywords {
                assert_eq!(handle.find(keyword).await.unwrap().unwrap().keyword(), keyword);
            }
        }
    }
}

#[tokio::test]
async fn derived_keyword_carries_the_oldest_name_and_every_field() {
    let client = Client::in_memory();
    let pair = || Pair { left: "a/b".to_owned(), right: 7, note: String::new() };
    let run = PairedHandle::new(&client).invoke(pair()).await.unwrap();
    assert_eq!(run.keyword(), "paired/a%2Fb/7");
    let again = PairedHandle::new(&client).invoke(Pair { note: "other".to_owned(), ..pair() }).await.unwrap();
    assert_eq!((again.id(), again.created(), again.same_input()), (run.id(), false, false));
    let refused = PairedHandle::new(&client).invoke(Pair { note: "other".to_owned(), ..pair() }).reject_other_input();
    assert!(matches!(refused.await, Err(InvokeError::OtherInput { keyword }) if keyword == "paired/a%2Fb/7"));
    let same = PairedHandle::new(&client).invoke(pair()).reject_other_input().await.unwrap();
    assert!(same.same_input());
}

#[tokio::test]
async fn keyword_of_data_that_declares_it_is_no_other_and_not_empty() {
    let client = Client::in_memory();
    let center = center(&client).register(Paired).register(Named).start().await.unwrap();
    let json = r#"{"left": "a", "right": 7, "note": "n"}"#;
    let other = center.invoke_json("paired_now", json, "7").await.unwrap_err();
    assert_eq!(
        other.to_string(),
        "the data of job paired_now makes the keyword \"paired/a/7\", and not \"7\": give that"
    );
    assert!(center.invoke_json("paired", json, "paired/a/7").await.unwrap().created());
    let pair = Pair { left: "a".to_owned(), right: 7, note: "n".to_owned() };
    assert!(!PairedHandle::new(&client).invoke(pair).await.unwrap().created(), "it is one job");

    let named = center.invoke_json("named", r#"{"name": ""}"#, "named/").await.unwrap_err();
    assert!(matches!(named, InvokeError::InvalidKeyword(KeywordError::Empty)), "{named}");
    let empty = NamedHandle::new(&client).invoke(Name { name: String::new() }).await.unwrap_err();
    assert!(matches!(empty, InvokeError::InvalidKeyword(KeywordError::Empty)), "{empty}");
}

#[tokio::test]
async fn job_without_a_keyword_gets_one_of_its_own() {
    let client = Client::in_memory();
    let handle = EchoHandle::new(&client);
    let (first, second) = (handle.invoke(text("a")).await.unwrap(), handle.invoke(text("a")).await.unwrap());
    assert_ne!(first.keyword(), second.keyword());
    assert_eq!(first.keyword().len(), 36);
}

#[tokio::test]
async fn bad_input_is_refused_with_what_to_do() {
    let client = Client::in_memory();
    let echo = EchoHandle::new(&client);
    let empty = echo.invoke(text("")).keyword("").await.unwrap_err();
    assert!(matches!(empty, InvokeError::InvalidKeyword(KeywordError::Empty)), "{empty}");
    let long = echo.invoke(text("")).keyword("x".repeat(256)).await.unwrap_err();
    assert!(long.to_string().ends_with("has 256 bytes, the limit is 255: hash the long part"), "{long}");
    let nul = echo.invoke(text("")).keyword("a\0b").await.unwrap_err();
    assert!(matches!(nul, InvokeError::InvalidKeyword(KeywordError::Nul { .. })), "{nul}");
    let large = echo.invoke(text(&"x".repeat(1 << 20))).await.unwrap_err();
    assert!(matches!(large, InvokeError::TooLarge { bytes: 1_048_587, limit: 1_048_576, .. }), "{large}");

    OtherHandle::new(&client).invoke(()).keyword("k").await.unwrap();
    let taken = echo.invoke(text("")).keyword("k").await.unwrap_err();
    assert_eq!(
        taken.to_string(),
        "keyword \"k\" belongs to a job other, so no job echo can have it: use another keyword"
    );
    assert_eq!(client.list(&JobFilter::default()).await.unwrap().jobs.len(), 1, "nothing else was saved");
}

#[tokio::test]
async fn json_is_checked_by_name_shape_and_position() {
    let client = Client::in_memory();
    let center = start(&client, Echo).await;
    let unknown = center.invoke_json("ekko", "{}", "k").await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no job \"ekko\"; this center runs echo");
    let shape = center.invoke_json("echo", r#"{"text": 5}"#, "k").await.unwrap_err();
    let cause = std::error::Error::source(&shape).unwrap().to_string();
    assert_eq!(cause, "invalid type: integer `5`, expected a string at line 1 column 10");
    let broken = client.invoke_json("echo", "{", "k").await.unwrap_err();
    assert!(std::error::Error::source(&broken).unwrap().to_string().contains("line 1 column 1"), "{broken:?}");
    let run = center.invoke_json("echo", r#"{"text": "hi"}"#, "k").await.unwrap();
    assert_eq!(run.wait().await.unwrap(), "hi");
    assert_eq!(run.output("only").await.unwrap().unwrap(), "hi");
    let later = client.invoke_json("echo", r#"{"text": "from afar"}"#, "far").await.unwrap();
    assert_eq!(later.wait().await.unwrap(), "from afar");
    assert!(matches!(client.invoke_json("", "{}", "k2").await, Err(InvokeError::InvalidName { .. })));
}

on_each_database! {
    async fn any_text_comes_back_as_it_went(database) {
        for client in [Client::in_memory(), database.client().await] {
            let _center = start(&client, Echo).await;
            let planes: String = (0..=16).filter_map(|plane| char::from_u32(plane * 0x1_0000 + 0x41)).collect();
            let large = "x".repeat((1 << 20) - 100);
            for sample in ["a\0b", "\u{7f}\u{80}\u{feff}\u{202e}", "'\"\\`;--/*", &planes, "🧾 naïve ﷽", &large] {
                let run = EchoHandle::new(&client).invoke(text(sample)).await.unwrap();
                assert_eq!(run.wait().await.unwrap(), sample);
                assert_eq!(run.context().await.unwrap().data.text, sample);
            }
        }
    }
}

on_each_database! {
    async fn many_are_saved_in_order_and_a_bad_one_keeps_none_back(database) {
        let client = database.client().await;
        let data =
            (0..1201).map(|number| if number == 600 { text(&"x".repeat(2 << 20)) } else { text(&number.to_string()) });
        let runs = EchoHandle::new(&client).invoke_many(data).await;
        assert_eq!(runs.len(), 1201);
        for (number, run) in runs.iter().enumerate() {
            match run {
                Ok(run) => assert!(run.created() && number != 600),
                Err(error) => assert!(number == 600 && matches!(error, InvokeError::TooLarge { .. }), "{number}: {error}"),
            }
        }
        let _center = start(&client, Echo).await;
        for number in [0, 599, 601, 1200] {
            assert_eq!(runs[number].as_ref().unwrap().wait().await.unwrap(), number.to_string());
        }
    }
}

on_each_database! {
    async fn thousand_concurrent_invokes_of_one_keyword_are_one_job(database) {
        let client = database.client().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..1000 {
            let handle = EchoHandle::new(&client);
            tasks.spawn(async move { handle.invoke(text(&number.to_string())).keyword("one").await.unwrap() });
        }
        let runs = tasks.join_all().await;
        assert_eq!(runs.iter().filter(|run| run.created()).count(), 1);
        assert_eq!(runs.iter().map(vtask::JobRun::id).collect::<BTreeSet<_>>().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn delayed_job_waits_on_the_databases_clock() {
    let client = paused_client();
    let _center = start(&client, Echo).await;
    let began = Instant::now();
    let run = EchoHandle::new(&client).invoke(text("later")).delay(Duration::from_secs(90)).await.unwrap();
    run.wait().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 90);
    let past = EchoHandle::new(&client).invoke(text("past")).at(std::time::UNIX_EPOCH);
    past.await.unwrap().wait().await.unwrap();
    assert!(began.elapsed().as_secs() < 92);
}

#[tokio::test]
async fn lists_are_paged_newest_first() {
    let client = Client::in_memory();
    for number in 0..25 {
        EchoHandle::new(&client).invoke(text("")).keyword(number.to_string()).await.unwrap();
        OtherHandle::new(&client).invoke(()).await.unwrap();
    }
    let mut filter = JobFilter::default().name("echo").status(Status::Running).limit(10);
    let mut keywords = Vec::new();
    loop {
        let page = client.list(&filter).await.unwrap();
        keywords.extend(page.jobs.into_iter().map(|job| job.keyword));
        let Some(next) = page.next else { break };
        filter = filter.before(next);
    }
    assert_eq!(keywords, (0..25).rev().map(|number| number.to_string()).collect::<Vec<_>>());
    let run = client.find("7").await.unwrap().unwrap();
    let infos = client.get_many(&[run.id(), vtask::JobId(999)]).await.unwrap().jobs;
    assert_eq!(infos.len(), 1);
    assert_eq!(infos[0].name, "echo");
    assert!(client.get(vtask::JobId(999)).await.unwrap().is_none());
    assert!(OtherHandle::new(&client).find("7").await.unwrap().is_none(), "a job of another type");
}

#[tokio::test]
async fn center_that_cannot_work_does_not_start() {
    use vtask::StartError;
    let client = Client::in_memory();
    assert!(matches!(center(&client).start().await, Err(StartError::NoJobs)));
    let twice = center(&client).register(Echo).register(Echo).start().await;
    assert!(matches!(twice, Err(StartError::SameName { name: "echo" })));
    let idle = center(&client).concurrency(0).register(Echo).start().await;
    assert!(matches!(idle, Err(StartError::NoConcurrency)));
    let long = center(&client).host("h".repeat(65)).register(Echo).start().await;
    assert!(matches!(long, Err(StartError::InvalidHost { limit: 64, .. })));
}
