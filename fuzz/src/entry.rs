//! Names, keywords and JSON that come from outside.
//!
//! A text is the name of a job on its first line, a keyword on the second, and the data behind it.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use vtask::storage::{MemoryStorage, ReadJobs as _};
use vtask::{Client, InvokeError, JobCenter, JobContext, JobHandle, KeywordError, job};

use crate::{paused_storage, runtime};

/// The longest keyword, name and data, in bytes.
const LONGEST: (usize, usize, usize) = (255, 64, 1 << 20);

/// A job whose data is its keyword.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JobContext)]
struct Pair {
    #[context(keyword)]
    first: String,
    #[context(keyword)]
    second: String,
}

struct Keyed;

#[job(name = "keyed", was = "named")]
impl Keyed {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        Ok(())
    }

    #[on_success]
    async fn thank(&self, _pair: &Pair) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Data that is given a keyword.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JobContext)]
struct Text {
    text: String,
}

struct Plain;

#[job]
impl Plain {
    #[step]
    async fn only(&self, text: &Text) -> anyhow::Result<String> {
        Ok(text.text.clone())
    }
}

/// Invokes with each part in each place: a job is saved as it was given, or an error says what is wrong with it.
///
/// # Panics
///
/// If the property is broken.
pub fn check(text: &str) {
    let (name, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (keyword, json) = rest.split_once('\n').unwrap_or((rest, ""));
    runtime().block_on(async {
        for (name, keyword, json) in [(name, keyword, json), (keyword, json, name), (json, name, keyword)] {
            check_json(name, keyword, json).await;
        }
        check_plain(json, keyword).await;
        check_pairs([name, keyword, json]).await;
        check_center(name, keyword, json).await;
    });
}

/// What of an invocation by name and JSON is wrong, if anything is.
#[derive(Debug, PartialEq)]
enum Wrong {
    Name,
    Data,
    Keyword(KeywordError),
    Size,
}

/// What has to be wrong, in the order in which it is looked at.
fn expected(name: &str, keyword: &str, json: &str) -> Option<Wrong> {
    if name.is_empty() || name.len() > LONGEST.1 || name.contains('\0') {
        return Some(Wrong::Name);
    }
    if serde_json::from_str::<IgnoredAny>(json).is_err() {
        return Some(Wrong::Data);
    }
    wrong_keyword(keyword).map(Wrong::Keyword).or((json.len() > LONGEST.2).then_some(Wrong::Size))
}

fn wrong_keyword(keyword: &str) -> Option<KeywordError> {
    let (bytes, limit, text) = (keyword.len(), LONGEST.0, keyword.to_owned());
    match keyword {
        "" => Some(KeywordError::Empty),
        _ if bytes > limit => Some(KeywordError::TooLong { keyword: text, bytes, limit }),
        _ if keyword.contains('\0') => Some(KeywordError::Nul { keyword: text }),
        _ => None,
    }
}

/// What an error says is wrong; a name that is not known is none to know.
fn wrong(error: InvokeError) -> Wrong {
    match error {
        InvokeError::InvalidName { .. } | InvokeError::NoSuchJob { .. } => Wrong::Name,
        InvokeError::InvalidData { .. } => Wrong::Data,
        InvokeError::InvalidKeyword(error) => Wrong::Keyword(error),
        InvokeError::TooLarge { .. } => Wrong::Size,
        other => panic!("{other:?}"),
    }
}

async fn check_json(name: &str, keyword: &str, json: &str) {
    let (storage, expected) = (paused_storage(), expected(name, keyword, json));
    let client = Client::with_seed(storage.clone(), 1);
    match client.invoke_json(name, json, keyword).await {
        Err(error) => assert_eq!(Some(wrong(error)), expected, "{name:?} {keyword:?} {json:?}"),
        Ok(run) => {
            assert_eq!(None, expected, "{name:?} {keyword:?} {json:?}");
            assert!(run.created());
            check_saved(&client, &storage, (name, keyword, json)).await;
            check_again(&client, (name, keyword, json)).await;
        }
    }
    assert_eq!(client.find(keyword).await.unwrap().is_some(), expected.is_none(), "what is refused is not saved");
}

/// The row has each byte.
async fn check_saved(client: &Client, storage: &MemoryStorage, (name, keyword, json): (&str, &str, &str)) {
    let run = client.find(keyword).await.unwrap().expect("it was saved");
    let row = storage.row(run.id()).await.unwrap().expect("it was saved");
    assert_eq!((row.summary.name.as_str(), row.summary.keyword.as_str(), row.input.as_str()), (name, keyword, json));
    let info = run.info().await.unwrap();
    assert_eq!((info.name.as_str(), info.keyword.as_str(), run.keyword()), (name, keyword, keyword));
    assert_eq!(run.data().await.ok(), serde_json::from_str(json).ok());
}

/// A keyword is one job, and others are others, however alike they look.
async fn check_again(client: &Client, (name, keyword, json): (&str, &str, &str)) {
    let again = client.invoke_json(name, json, keyword).reject_other_input().await.unwrap();
    assert!(!again.created() && again.same_input());
    let other = client.invoke_json("another", json, keyword).await;
    assert!(name == "another" || matches!(other, Err(InvokeError::KeywordTaken { taken_by, .. }) if taken_by == name));
    let input = client.invoke_json(name, format!("[{json}]"), keyword).reject_other_input().await;
    assert!(matches!(input, Err(InvokeError::OtherInput { .. } | InvokeError::TooLarge { .. })), "{input:?}");
    for alike in [format!("{keyword} "), keyword.to_uppercase(), keyword.to_lowercase(), keyword.trim().to_owned()] {
        assert_eq!(client.find(&alike).await.unwrap().is_some(), alike == keyword, "{alike:?} is not {keyword:?}");
    }
}

/// Data of a type is what it was when it is read.
async fn check_plain(text: &str, keyword: &str) {
    let client = Client::with_seed(paused_storage(), 1);
    let text = Text { text: text.to_owned() };
    match JobHandle::<Plain>::new(&client).invoke(text.clone()).keyword(keyword).await {
        Ok(run) => {
            assert_eq!((run.keyword(), wrong_keyword(keyword)), (keyword, None));
            assert_eq!(run.context().await.unwrap().data, text);
        }
        Err(InvokeError::TooLarge { bytes, .. }) => assert!(bytes > LONGEST.2),
        Err(error) => assert_eq!(Some(wrong(error)), wrong_keyword(keyword).map(Wrong::Keyword)),
    }
}

/// Two data that differ never make one keyword.
async fn check_pairs(parts: [&str; 3]) {
    let client = Client::with_seed(paused_storage(), 1);
    let handle = JobHandle::<Keyed>::new(&client);
    let mut saved: Vec<(Pair, vtask::JobId)> = Vec::new();
    for (first, second) in parts.iter().flat_map(|first| parts.iter().map(move |second| (first, second))) {
        let pair = Pair { first: (*first).to_owned(), second: (*second).to_owned() };
        let Ok(run) = handle.invoke(pair.clone()).await.map_err(wrong) else { continue };
        assert!(run.keyword().starts_with("named/"), "{} begins with the oldest name", run.keyword());
        assert_eq!(run.context().await.unwrap().data, pair);
        assert_eq!(handle.find(run.keyword()).await.unwrap().map(|found| found.id()), Some(run.id()));
        let before = saved.iter().find(|(earlier, _)| *earlier == pair).map(|(_, id)| *id);
        assert_eq!(run.created(), before.is_none(), "{pair:?} beside {saved:?}");
        assert!(before.is_none_or(|before| before == run.id()), "{pair:?} beside {saved:?}");
        saved.push((pair, run.id()));
    }
}

/// A center takes what its jobs can read, and runs it.
async fn check_center(name: &str, keyword: &str, json: &str) {
    let client = Client::with_seed(paused_storage(), 1);
    let center = JobCenter::builder(&client).on_this_runtime().host("here").register(Plain).start().await.unwrap();
    for name in [name, "plain"] {
        let expected = match name {
            "plain" if serde_json::from_str::<Text>(json).is_err() => Some(Wrong::Data),
            "plain" => expected(name, keyword, json),
            _ => Some(Wrong::Name),
        };
        match center.invoke_json(name, json, keyword).await {
            Err(error) => assert_eq!(Some(wrong(error)), expected, "{name:?} {keyword:?} {json:?}"),
            Ok(run) => {
                assert_eq!(None, expected, "{name:?} {keyword:?} {json:?}");
                let text: Text = serde_json::from_str(json).expect("it was taken");
                assert_eq!(run.wait().await.unwrap(), text.text);
            }
        }
    }
    center.shutdown().await.unwrap();
}
