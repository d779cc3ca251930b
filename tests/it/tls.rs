//! Secure connections to a server, whose certificate names `localhost` and no other host.

use vtask::{Client, ConnectError, job};

use crate::database::{Kind, TestDatabase, on_server};
use crate::setup::start;

struct Whisper;

#[job]
impl Whisper {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        Ok(1)
    }
}

/// The URL of the database at a host, which has to prove by an authority that it is that host.
fn secure(database: &TestDatabase, host: &str, authority: Option<&str>) -> String {
    let certificates = std::env::var("VTASK_TEST_CERTS").expect("VTASK_TEST_CERTS is set by tests/servers");
    let (mode, file) = match database.kind() {
        Kind::MySql => ("ssl-mode=VERIFY_IDENTITY", "ssl-ca"),
        _ => ("sslmode=verify-full", "sslrootcert"),
    };
    let authority = authority.map(|name| format!("&{file}={certificates}/{name}.pem")).unwrap_or_default();
    format!("{}?{mode}{authority}", database.url().replace("127.0.0.1", host))
}

async fn right_authority_and_host_are_trusted(database: &TestDatabase, encrypted_sessions: &str) {
    let client = Client::connect(secure(database, "localhost", Some("ca"))).await.expect("it proves who it is");
    let _center = start(&client, Whisper).await;
    assert_eq!(WhisperHandle::new(&client).invoke(()).await.unwrap().wait().await.unwrap(), 1);
    assert!(database.raw().await.number(encrypted_sessions).await > 0, "the sessions are encrypted");
}

async fn others_are_not_trusted(database: &TestDatabase) {
    for (host, authority) in [("localhost", Some("other-ca")), ("localhost", None), ("127.0.0.1", Some("ca"))] {
        let refused = Client::connect(secure(database, host, authority)).await.expect_err("it proves nothing");
        assert!(matches!(refused, ConnectError::Tls { .. }), "{host}, {authority:?}: {refused:?}");
        let told = format!("{refused} {refused:?}");
        assert!(told.contains(host) && !told.contains("hush-hush"), "{told}");
    }
}

on_server! { Postgres:
    async fn postgres_is_trusted_by_authority_and_host(database) {
        let sessions = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = \
                        current_database() AND ssl AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        right_authority_and_host_are_trusted(&database, sessions).await;
        others_are_not_trusted(&database).await;
    }
}

on_server! { MySql:
    async fn mysql_is_trusted_by_authority_and_host(database) {
        // Of its own session only, a server says whether it is encrypted: one that may not be plain proves it.
        let user = format!("{}_tls", database.name());
        let raw = database.raw().await;
        raw.execute(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'hush-hush' REQUIRE SSL")).await;
        raw.execute(&format!("GRANT ALL ON {}.* TO '{user}'@'%'", database.name())).await;
        let plain = database.url().replace("vtask:", &format!("{user}:"));
        let refused = Client::connect(format!("{plain}?ssl-mode=DISABLED")).await.expect_err("plain is refused");
        assert!(matches!(refused, ConnectError::Login { .. }), "{refused:?}");
        let url = secure(&database, "localhost", Some("ca")).replace("vtask:", &format!("{user}:"));
        drop(Client::connect(url).await.expect("a secure connection is let in"));
        raw.execute(&format!("DROP USER '{user}'@'%'")).await;
        right_authority_and_host_are_trusted(&database, "SELECT 1").await;
        others_are_not_trusted(&database).await;
    }
}
