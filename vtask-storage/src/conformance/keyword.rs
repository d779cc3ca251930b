//! Keywords and names that look alike stay apart, byte for byte.

use super::declare_checks;
use super::sample::job;
use super::subject::Subject;
use crate::value::{ListFilter, NewJob};

declare_checks![
    keywords_that_look_alike_are_different_jobs,
    keywords_with_signs_of_sql_are_kept,
    keywords_of_every_plane_are_kept,
    the_longest_keywords_differ_in_their_last_byte,
    names_are_compared_byte_for_byte,
];

/// Equal under one collation or normal form or another, and never the same keyword.
pub(super) const NEAR_EQUAL: [&str; 28] = [
    "Order-1",
    "order-1",
    "ORDER-1",
    "Order-1 ",
    "Order-1  ",
    " Order-1",
    "Order-1\t",
    "Order-1\n",
    "Order-1\r\n",
    "Order-1\u{a0}",
    "Order-1\u{200b}",
    "\u{feff}Order-1",
    "\u{d3}rder-1",
    "O\u{301}rder-1",
    "\u{d6}rder-1",
    "O\u{308}rder-1",
    "\u{d8}rder-1",
    "\u{39f}rder-1",
    "\u{ff2f}rder-1",
    "Order\u{2010}1",
    "Order-\u{ff11}",
    "Order-01",
    "Order-1.0",
    "stra\u{df}e",
    "strasse",
    "I\u{307}",
    "\u{130}",
    "\u{131}",
];

pub(super) const SQL_SIGNS: [&str; 22] = [
    "%",
    "_",
    "a%",
    "a_",
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\\\",
    "\\'",
    "'; DROP TABLE task; --",
    "/* */",
    "--",
    "$1",
    "?",
    ":a",
    "{}",
    "[1]",
    "\\u0000",
    "\\0",
    "NULL",
];

/// Asserts that each keyword is a job of its own that answers to it byte for byte.
async fn assert_kept_apart(subject: &Subject, keywords: &[String]) {
    let jobs: Vec<NewJob> = keywords.iter().map(|keyword| job(keyword)).collect();
    let rows = subject.add_all(&jobs).await;
    for (keyword, row) in keywords.iter().zip(&rows) {
        assert_eq!(row.keyword, *keyword, "a keyword comes back byte for byte");
        let found = subject.find(keyword).await;
        assert_eq!(found.as_ref(), Some(row), "{keyword:?} finds its own job");
        let again = subject.insert(&[job(keyword)]).await;
        assert_eq!((again[0].id, again[0].created), (row.id, false), "{keyword:?} is one job");
    }
}

async fn keywords_that_look_alike_are_different_jobs(subject: Subject) {
    assert_kept_apart(&subject, &NEAR_EQUAL.map(str::to_owned)).await;
}

async fn keywords_with_signs_of_sql_are_kept(subject: Subject) {
    assert_kept_apart(&subject, &SQL_SIGNS.map(str::to_owned)).await;
}

async fn keywords_of_every_plane_are_kept(subject: Subject) {
    let offsets = [0x0001, 0x0041, 0x007f, 0x00e9, 0x0301, 0x0915, 0xd7ff, 0xf680, 0xfffe, 0xffff];
    let characters = (0..=16).flat_map(|plane| offsets.map(|offset| char::from_u32(plane << 16 | offset)));
    let keywords: Vec<String> = characters.flatten().map(|character| format!("<{character}>")).collect();
    assert_eq!(keywords.len(), 17 * offsets.len(), "each of 17 planes gives its characters");
    assert_kept_apart(&subject, &keywords).await;
}

async fn the_longest_keywords_differ_in_their_last_byte(subject: Subject) {
    let limit = subject.limits().keyword.min(4096);
    let latin = ["a", "b", "A", " "].map(|last| format!("{}{last}", "k".repeat(limit - 1)));
    let wide = ["\u{1f980}", "\u{1f981}"].map(|last| format!("{}{last}", "\u{1f680}".repeat(limit / 4 - 1)));
    assert_kept_apart(&subject, &[latin.as_slice(), &wide].concat()).await;
}

async fn names_are_compared_byte_for_byte(subject: Subject) {
    let named = |name: &&str| NewJob { name: (*name).to_owned(), ..job(&format!("of {name}")) };
    let rows = subject.add_all(&NEAR_EQUAL.iter().map(named).collect::<Vec<_>>()).await;
    for (name, row) in NEAR_EQUAL.iter().zip(&rows) {
        assert_eq!(row.name, *name, "a name comes back byte for byte");
        assert_eq!(subject.due_ids(name).await, [row.id], "due of {name:?} shows that name only");
        let filter = ListFilter { name: Some((*name).to_owned()), status: None, reason: None, before: None, limit: 99 };
        assert_eq!(subject.list(&filter).await, std::slice::from_ref(row), "a list of {name:?} shows that name only");
    }
}
