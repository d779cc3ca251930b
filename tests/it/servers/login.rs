//! Users and databases that a server does not know.

use vtask::{Client, ConnectError};

use super::refusal::{assert_refused, refused};
use crate::database::{Kind, TestDatabase, admin, on_each_server, on_server};

on_each_server! {
    async fn wrong_password_is_told_as_such(database) {
        database.user().await;
        let (address, known) = (database.address(), database.name());
        for user in [known, "nobody_knows"] {
            let error = refused(Client::builder(database.url_of(user, "hush-hush-not"))).await;
            let expected =
                format!("{address} does not let user {user:?} in: check the name and the password");
            assert_refused!(error, ConnectError::Login { .. }, expected);
        }
    }

    async fn unknown_database_is_told_by_its_name(database) {
        let (url, address) = (format!("{}_not", database.url()), format!("{}_not", database.address()));
        let name = format!("{}_not", database.name());
        let expected = format!("{address}: there is no database {name:?}; create it");
        assert_refused!(refused(Client::builder(url)).await, ConnectError::NoDatabase { .. }, expected);
    }
}

/// The URL of the server as the database's own user sees it.
async fn url_without_database(database: &TestDatabase) -> String {
    let url = database.user().await;
    url.rsplit_once('/').expect("a URL has slashes").0.to_owned()
}

on_server! { Postgres:
    async fn postgres_url_without_a_database_means_that_of_the_users_name(database) {
        let url = url_without_database(&database).await;
        database.raw().await.execute(&format!("GRANT CREATE ON SCHEMA public TO {}", database.name())).await;
        drop(Client::connect(url).await.expect("the database has the user's name"));
        assert_eq!(database.raw().await.number("SELECT count(*) FROM task").await, 0);
    }

    async fn missing_database_of_the_users_name_is_told_by_that_name(database) {
        let (url, name, admin) = (url_without_database(&database).await, database.name(), admin(Kind::Postgres).await);
        admin.execute(&format!("ALTER DATABASE {name} RENAME TO {name}_away")).await;
        let error = refused(Client::builder(url)).await;
        admin.execute(&format!("ALTER DATABASE {name}_away RENAME TO {name}")).await;
        assert!(matches!(error, ConnectError::NoDatabase { .. }), "{error:?}");
        assert!(error.to_string().ends_with(&format!("there is no database {name:?}; create it")), "{error}");
    }
}
