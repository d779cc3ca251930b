//! Data and outputs of unusual types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vtask::{JobContext, Secret, job};

use crate::setup::{paused_client, start};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Amount {
    wei: u128,
}

struct Negates;

#[job]
impl Negates {
    #[step]
    async fn only(&self, amount: &Amount) -> anyhow::Result<(u128, i128)> {
        Ok((amount.wei, i128::MIN))
    }
}

#[tokio::test(start_paused = true)]
async fn integers_of_128_bits_come_back_as_they_went() {
    let client = paused_client();
    let _center = start(&client, Negates).await;
    let run = NegatesHandle::new(&client).invoke(Amount { wei: u128::MAX }).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), (u128::MAX, i128::MIN));
    assert_eq!(run.context().await.unwrap().data.wei, u128::MAX);
}

#[track_caller]
fn check_secret<T>(value: T)
where
    T: PartialEq + Serialize + for<'de> Deserialize<'de>,
{
    let secret = Secret::new(value);
    let json = serde_json::to_string(&secret).unwrap();
    assert!(serde_json::from_str::<Secret<T>>(&json).unwrap() == secret, "{json}");
}

#[test]
fn secret_of_any_type_reads_back() {
    check_secret(u128::MAX);
    check_secret(i128::MIN);
    check_secret(BTreeMap::from([(1_u32, "a".to_owned())]));
    check_secret(BTreeMap::from([("a".to_owned(), vec![Some(1.5)])]));
    check_secret(None::<u32>);
    check_secret(());
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Pin(u32);

#[derive(PartialEq, Serialize, Deserialize)]
enum Card {
    None,
    Number(String),
}

#[track_caller]
fn check_plain<T>(value: &T)
where
    T: PartialEq + Serialize + for<'de> Deserialize<'de>,
{
    let json = serde_json::to_string(value).unwrap();
    let read = serde_json::from_str::<Secret<T>>(&json);
    assert!(read.is_ok_and(|read| read.expose() == value), "{json}");
}

#[test]
fn value_from_before_it_was_a_secret_is_read() {
    check_plain(&"4111".to_owned());
    check_plain(&Card::None);
    check_plain(&Card::Number("4111".to_owned()));
    check_plain(&BTreeMap::from([("a".to_owned(), vec![Some(1.5)])]));
    check_plain(&None::<u32>);
    check_plain(&Some(1234));
    check_plain(&Pin(1234));
}
