//! Databases that cannot be reached, or are none; no server has to run for that.

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tokio::net::TcpListener;
use vtask::{Client, ConnectError};

use super::refusal::{assert_refused, chain, refused};
use crate::database::on_each_server;

/// What a URL of each kind of server begins with.
const BEGINNINGS: [&str; 2] = ["postgres://vtask:hush-hush@", "mysql://vtask:hush-hush@"];

fn scheme(url: &str) -> &str {
    url.split("://").next().expect("a scheme")
}

#[tokio::test]
async fn address_where_nobody_listens_is_told_at_once() {
    for beginning in BEGINNINGS {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let place = format!("{}/jobs", listener.local_addr().expect("it has an address"));
        drop(listener);
        let begun = Instant::now();
        let error = refused(Client::builder(format!("{beginning}{place}"))).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "after {:?}", begun.elapsed());
        let expected =
            format!("cannot reach {}://{place}: is the server up, and the address right?", scheme(beginning));
        assert_refused!(error, ConnectError::Unreachable { .. }, expected);
    }
}

#[tokio::test]
async fn each_of_several_addresses_is_told_where_none_serves() {
    for beginning in BEGINNINGS {
        let listeners =
            [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
        let [one, other] = listeners.map(|listener| listener.local_addr().expect("it has an address"));
        let begun = Instant::now();
        let error = refused(Client::builder(format!("{beginning}{one},{other}/jobs"))).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "after {:?}", begun.elapsed());
        let told = |place| {
            format!("cannot reach {}://{place}/jobs: is the server up, and the address right?", scheme(beginning))
        };
        let expected = format!("none of the 2 addresses of the database serves: {}; {}", told(one), told(other));
        assert_refused!(error, ConnectError::NoneServes { .. }, expected);
    }
}

on_each_server! {
    async fn address_that_does_not_serve_is_passed_over(database) {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let place = database.url().rsplit('@').next().and_then(|place| place.split('/').next()).expect("a place");
        let dead = silent.local_addr().expect("it has an address");
        for places in [format!("{dead},{place}"), format!("{place},{dead}")] {
            let client = Client::connect(database.url().replace(place, &places)).await.expect("one of them serves");
            assert!(client.find("nobody").await.unwrap().is_none());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn server_that_never_answers_is_given_up() {
    for beginning in BEGINNINGS {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let place = format!("{}/jobs", silent.local_addr().expect("it has an address"));
        let begun = tokio::time::Instant::now();
        let error = refused(Client::builder(format!("{beginning}{place}"))).await;
        assert_eq!(begun.elapsed().as_secs(), 10);
        assert!(matches!(&error, ConnectError::Unreachable { address, .. } if address.ends_with(&place)), "{error:?}");
        assert!(chain(&error).any(|error| error.to_string().ends_with("no answer within 10s")), "{error:?}");
    }
}

#[tokio::test]
async fn url_that_cannot_be_read_is_refused_with_the_cause() {
    for beginning in BEGINNINGS {
        for (rest, cause) in [("127.0.0.1:abc/jobs", "invalid port number"), ("[::1/jobs", "invalid IPv6 address")] {
            let scheme = scheme(beginning);
            let error = refused(Client::builder(format!("{beginning}{rest}"))).await;
            assert!(chain(&error).any(|error| error.to_string().contains(cause)), "{error:?}");
            let expected = format!("the {scheme}: database URL cannot be read");
            assert_refused!(error, ConnectError::Url { .. }, expected);
        }
    }
}

#[tokio::test]
async fn password_with_a_slash_that_is_not_escaped_is_not_shown() {
    for scheme in ["postgres", "mysql"] {
        let unreadable = refused(Client::builder(format!("{scheme}://vtask:a/hush-hush@127.0.0.1:1/jobs"))).await;
        assert!(matches!(unreadable, ConnectError::Url { .. }), "{unreadable:?}");
        // Here the URL can be read, and means the port 1 of a host that is named like the user.
        refused(Client::builder(format!("{scheme}://127.0.0.1:1/hush-hush@127.0.0.1:1/jobs"))).await;
    }
}

#[tokio::test]
async fn mysql_url_without_a_database_is_refused_with_the_remedy() {
    for end in ["", "/"] {
        let error = refused(Client::builder(format!("mysql://vtask:hush-hush@127.0.0.1:1{end}"))).await;
        let expected = "mysql://127.0.0.1:1 names no database: put its name behind the last slash";
        assert_refused!(error, ConnectError::UnnamedDatabase { .. }, expected);
    }
}

#[tokio::test]
async fn prefix_that_begins_no_name_is_refused_before_anybody_is_asked() {
    for beginning in BEGINNINGS {
        for prefix in ["1a", "Billing_", "a`; DROP TABLE task; --", "ä", &"a".repeat(33)] {
            let builder = Client::builder(format!("{beginning}127.0.0.1:1/jobs")).table_prefix(prefix);
            let unwritten = builder.schema_sql().expect_err("no statement has such a prefix");
            assert!(matches!(unwritten, ConnectError::TablePrefix { .. }), "{unwritten:?}");
            let expected = format!(
                "table prefix {prefix:?} does not begin names: use at most 32 of a to z, 0 to 9 and _, a letter first"
            );
            assert_refused!(refused(builder).await, ConnectError::TablePrefix { .. }, expected);
        }
    }
}

#[tokio::test]
async fn pool_of_a_database_in_memory_is_refused() {
    for url in ["sqlite::memory:", "sqlite://shop?mode=memory", "sqlite:file:shop?mode=memory&cache=shared"] {
        let pool = Database::connect(ConnectOptions::new(url)).await.expect("it opens");
        let error = refused(Client::builder(&pool)).await;
        assert!(matches!(error, ConnectError::InMemory { .. }), "{url}: {error:?}");
        assert!(error.to_string().ends_with("use `Client::in_memory()` or a file"), "{error}");
    }
}

#[tokio::test]
async fn connection_that_is_no_pool_is_refused() {
    let error = refused(Client::builder(DatabaseConnection::default())).await;
    assert!(matches!(error, ConnectError::Connection), "{error:?}");
}
