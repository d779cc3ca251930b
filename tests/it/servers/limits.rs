//! How large things may be, and which characters they may have.

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use vtask::storage::value::NewJob;
use vtask::storage::{OpenOptions, ReadJobs, SqlStorage, WriteJobs};
use vtask::{FailureKind, InvokeError, JobContext, KeywordError, WaitError, job, stop};

use super::row::new_job;
use crate::database::{on_each_database, on_server};
use crate::setup::start;

const MIB: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JobContext)]
struct Text {
    text: String,
    fills: usize,
}

fn text(text: impl Into<String>) -> Text {
    Text { text: text.into(), fills: 0 }
}

/// Data that has so many bytes as JSON, for a job whose output has so many.
fn sized(input: usize, output: usize) -> Text {
    let empty = Text { text: String::new(), fills: output - "\"\"".len() };
    let frame = serde_json::to_string(&empty).unwrap().len();
    Text { text: "i".repeat(input - frame), ..empty }
}

/// Answers its text, or so many letters.
struct Echo;

#[job]
impl Echo {
    #[step]
    async fn only(&self, data: &Text) -> anyhow::Result<String> {
        Ok(if data.fills == 0 { data.text.clone() } else { "o".repeat(data.fills) })
    }
}

/// Fails with its text.
struct Cry;

#[job]
impl Cry {
    #[step]
    async fn only(&self, data: &Text) -> anyhow::Result<()> {
        Err(stop(anyhow!("{}", data.text)))
    }
}

on_each_database! {
    async fn largest_input_and_output_go_through(database) {
        let client = database.client().await;
        let center = start(&client, Echo).await;
        let data = sized(MIB, MIB);
        let run = EchoHandle::new(&client).invoke(data.clone()).await.unwrap();
        assert!(run.wait().await.unwrap() == "o".repeat(MIB - 2), "the output comes back whole");
        assert!(run.context().await.unwrap().data == data, "the data comes back whole");
        center.shutdown().await.unwrap();
    }

    async fn one_byte_more_is_a_typed_error(database) {
        let client = database.client().await;
        let center = start(&client, Echo).await;
        let echo = EchoHandle::new(&client);
        let input = echo.invoke(sized(MIB + 1, 9)).await.unwrap_err();
        assert!(matches!(input, InvokeError::TooLarge { bytes: 1_048_577, limit: MIB, .. }), "{input}");
        let output = echo.invoke(sized(99, MIB + 1)).await.unwrap().wait().await;
        let Err(WaitError::Failed { failure, .. }) = output else { panic!("it has to fail, not {output:?}") };
        assert_eq!((failure.kind(), failure.attempts()), (FailureKind::TooLarge, 1));
        assert!(failure.message().contains("has 1048577 bytes as JSON, the limit is 1048576"), "{failure}");
        center.shutdown().await.unwrap();
    }

    async fn largest_texts_go_in_one_call_however_they_are_written(database) {
        let client = database.client().await;
        let center = start(&client, Echo).await;
        // Each is two bytes in JSON, and four in JSON in JSON.
        let data = text("\\".repeat((MIB - 99) / 2));
        let runs = EchoHandle::new(&client).invoke_many(vec![data.clone(); 5]).await;
        for run in runs {
            assert!(run.unwrap().wait().await.unwrap() == data.text, "the text comes back whole");
        }
        center.shutdown().await.unwrap();
    }

    async fn one_call_may_carry_more_than_a_packet_of_the_server(database) {
        let storage = SqlStorage::open(database.url(), &OpenOptions::default()).await.expect("it opens");
        // 18 MiB in JSON; a packet of MySQL's has 16.
        let input = format!("\"{}\"", "\\".repeat(MIB - 2));
        let jobs: Vec<NewJob> =
            (0..9).map(|number| NewJob { input: input.clone(), ..new_job(&number.to_string()) }).collect();
        let inserted = storage.insert(&jobs).await.expect("it is sent in pieces");
        assert_eq!(inserted.len(), 9);
        for answer in inserted {
            let row = storage.row(answer.id).await.unwrap().expect("it is there");
            assert!(answer.created && row.input == input, "job {} comes back whole", row.summary.keyword);
        }
    }

    async fn keyword_may_be_255_bytes_of_any_characters(database) {
        let client = database.client().await;
        let center = start(&client, Echo).await;
        let (echo, crabs) = (EchoHandle::new(&client), "🦀".repeat(63));
        for keyword in [format!("{crabs}abc"), format!("{crabs}abd"), format!("abc{crabs}")] {
            assert_eq!(keyword.len(), 255);
            let run = echo.invoke(text(&keyword)).keyword(&keyword).await.unwrap();
            assert!(run.created(), "{keyword}");
            assert_eq!(run.wait().await.unwrap(), keyword);
            assert_eq!(echo.find(&keyword).await.unwrap().expect("it is there").id(), run.id());
        }
        let long = echo.invoke(text("")).keyword(format!("{crabs}🦀")).await.unwrap_err();
        assert!(matches!(long, InvokeError::InvalidKeyword(KeywordError::TooLong { bytes: 256, limit: 255, .. })), "{long}");
        let nul = echo.invoke(text("")).keyword("a\0b").await.unwrap_err();
        assert!(matches!(nul, InvokeError::InvalidKeyword(KeywordError::Nul { .. })), "{nul}");
        center.shutdown().await.unwrap();
    }

    async fn every_character_goes_round_byte_for_byte(database) {
        let client = database.client().await;
        let center = start(&client, Echo).await;
        // 17 has no factor in common with the size of a block of characters, so each block is met in another place.
        let planes: String = (0..=0x0010_ffff).step_by(17).filter_map(char::from_u32).collect();
        let control: String = (0..=0x9f).filter_map(char::from_u32).collect();
        for sample in [&planes, &control, "a\0b", "\u{ffff}\u{10ffff}\u{feff}", "e\u{301} é ﷽ 🧑‍🚀"] {
            let run = EchoHandle::new(&client).invoke(text(sample)).await.unwrap();
            assert!(run.wait().await.unwrap() == sample, "the output of {} bytes comes back", sample.len());
            assert!(run.context().await.unwrap().data.text == sample, "the data of {} bytes comes back", sample.len());
        }
        center.shutdown().await.unwrap();
    }

    async fn error_may_say_anything(database) {
        let client = database.client().await;
        let center = start(&client, Cry).await;
        let cry = async |said: &str| {
            let outcome = CryHandle::new(&client).invoke(text(said)).await.unwrap().wait().await;
            let Err(WaitError::Failed { failure, .. }) = outcome else { panic!("it has to fail, not {outcome:?}") };
            failure.message().to_owned()
        };
        assert_eq!(cry("a\0b 🦀 \u{10ffff} ' \\ %s ?").await, "a\u{fffd}b 🦀 \u{10ffff} ' \\ %s ?");
        let long = cry(&format!("x{}", "🦀".repeat(9_000))).await;
        assert!(long.len() <= 8 << 10 && long.starts_with("x🦀🦀"), "{} bytes", long.len());
        center.shutdown().await.unwrap();
    }
}

on_server! { MySql:
    // The setting is the server's, and to lower it would be felt by everybody else. So this cannot see the limits move.
    async fn limits_leave_a_packet_room_for_four_times_a_row(database) {
        let packet = database.raw().await.number("SELECT CAST(@@max_allowed_packet AS SIGNED)").await;
        let storage = SqlStorage::open(database.url(), &OpenOptions::default()).await.unwrap();
        let limits = storage.limits();
        for limit in [limits.input, limits.output, limits.row] {
            assert!(4 * limit <= usize::try_from(packet).unwrap(), "{limit} of {packet}");
        }
    }
}
