//! What a step may make of its session, and a commit that never succeeds.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use tokio::time::timeout;
use vtask::{Attempt, WaitError, job};

use super::LONG;
use crate::database::on_server;
use crate::log::Log;
use crate::setup::center;

/// Makes its session lax in the first attempt, and fails.
#[derive(Clone, Default)]
struct Loosens {
    log: Log,
}

#[job]
impl Loosens {
    #[step(retry = 1, period = "10ms")]
    async fn loosen(&self, tx: &DatabaseTransaction, attempt: &Attempt) -> anyhow::Result<String> {
        self.log.add("run");
        if attempt.number() == 1 {
            tx.execute_unprepared("SET SESSION sql_mode = ''").await?;
            anyhow::bail!("not yet");
        }
        let ask = Statement::from_string(tx.get_database_backend(), "SELECT CAST(@@sql_mode AS CHAR)");
        let row = tx.query_one_raw(ask).await?.ok_or_else(|| anyhow::anyhow!("no row"))?;
        Ok(row.try_get_by_index(0)?)
    }
}

on_server! { MySql:
    async fn session_of_a_failed_step_is_not_used_again(database) {
        let client = database.client().await;
        let center = center(&client).transactions(1).register(Loosens::default()).start().await.unwrap();
        let run = LoosensHandle::new(&client).invoke(()).await.unwrap();
        let mode = timeout(LONG, run.wait()).await.expect("it ends").unwrap();
        assert!(mode.contains("STRICT"), "{mode:?}");
        center.shutdown().await.unwrap();
    }
}

/// Writes what cannot be committed.
#[derive(Clone, Default)]
struct Dooms {
    log: Log,
}

#[job]
impl Dooms {
    #[step]
    async fn doom(&self, tx: &DatabaseTransaction) -> anyhow::Result<()> {
        self.log.add("run");
        tx.execute_unprepared("INSERT INTO doomed VALUES (1)").await?;
        Ok(())
    }
}

on_server! { Postgres:
    async fn commit_that_never_succeeds_is_a_failed_attempt_after_ten_runs(database) {
        let (client, raw) = (database.client().await, database.raw().await);
        raw.execute(
            "CREATE TABLE doomed (id INTEGER); CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE \
             EXCEPTION 'a conflict' USING ERRCODE = '40001'; END $$; CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON \
             doomed DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
        let job = Dooms::default();
        let center = center(&client).register(job.clone()).start().await.unwrap();
        let run = DoomsHandle::new(&client).invoke(()).await.unwrap();
        let failed = timeout(LONG, run.wait()).await.expect("it ends").unwrap_err();
        let WaitError::Failed { failure, .. } = failed else { panic!("{failed:?}") };
        assert!(failure.message().contains("was not committed in 10 runs"), "{}", failure.message());
        assert_eq!((job.log.all().len(), failure.attempts()), (10, 1));
        assert_eq!(raw.number("SELECT count(*) FROM doomed").await, 0);
        center.shutdown().await.unwrap();
    }
}

/// Runs into conflicts at its commit, and fails once between them.
#[derive(Clone, Default)]
struct Strives {
    log: Log,
}

#[job]
impl Strives {
    #[step(retry = 1, period = "10ms")]
    async fn strive(&self, tx: &DatabaseTransaction) -> anyhow::Result<usize> {
        self.log.add("run");
        let run = self.log.all().len();
        anyhow::ensure!(run != 10, "it fails once");
        tx.execute_unprepared("INSERT INTO striven VALUES (1)").await?;
        Ok(run)
    }
}

on_server! { Postgres:
    async fn commits_that_came_to_nothing_before_a_failure_cost_no_attempt_after_it(database) {
        let (client, raw) = (database.client().await, database.raw().await);
        // The first ten commits fail; a sequence does not go back with them.
        raw.execute(
            "CREATE TABLE striven (id INTEGER); CREATE SEQUENCE tries; CREATE FUNCTION refuse() RETURNS trigger LANGUAGE \
             plpgsql AS $$ BEGIN IF nextval('tries') <= 10 THEN RAISE EXCEPTION 'a conflict' USING ERRCODE = '40001'; END \
             IF; RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON striven DEFERRABLE INITIALLY \
             DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
        let job = Strives::default();
        let center = center(&client).register(job.clone()).start().await.unwrap();
        let run = StrivesHandle::new(&client).invoke(()).await.unwrap();
        let runs = timeout(LONG, run.wait()).await.expect("it ends").expect("one attempt of two has failed");
        assert_eq!((runs, raw.number("SELECT count(*) FROM striven").await), (12, 1));
        center.shutdown().await.unwrap();
    }
}
