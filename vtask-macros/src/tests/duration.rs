//! Durations.

use crate::case::snake;
use crate::duration::{millis, range};

#[track_caller]
fn check_range(text: &str, expected: Result<(u64, u64), &str>) {
    match (range(text), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
        (found, _) => panic!("{text}: {found:?}"),
    }
}

#[test]
fn reads_one_wait_or_two() {
    check_range("5s", Ok((5_000, 5_000)));
    check_range("1ms", Ok((1, 1)));
    check_range("5s .. 10m", Ok((5_000, 600_000)));
    check_range("100years", Ok((3_155_760_000_000, 3_155_760_000_000)));
}

#[test]
fn refuses_what_cannot_be_waited() {
    check_range("", Err("is not a duration"));
    check_range("5", Err("is not a duration"));
    check_range("5 parsecs", Err("is not a duration"));
    check_range("5M", Err("which is months"));
    check_range("1s..1h 1M", Err("which is months"));
    check_range("0s", Err("is too short"));
    check_range("999us", Err("is too short"));
    check_range("1500us", Err("finer than a millisecond"));
    check_range("101years", Err("is too long"));
    check_range("10m..5s", Err("write \"5s..10m\""));
    check_range("5s..=10m", Err("two dots"));
    check_range("5s..", Err("lacks one of its ends"));
    check_range("..5s", Err("lacks one of its ends"));
    assert!(millis("5s..10m").is_err());
}

#[test]
fn names_jobs_in_snake_case() {
    for (name, expected) in
        [("PlaceOrder", "place_order"), ("HTTPCall", "http_call"), ("Order2", "order2"), ("A_B", "a_b"), ("x", "x")]
    {
        assert_eq!(snake(name), expected);
    }
}
