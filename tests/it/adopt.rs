//! A table that the original framework wrote goes on here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use vtask::{Client, ConnectError, FailureKind, JobContext, JobId, Reason, Status, WaitError, job};

use crate::database::{Raw, TestDatabase, on_server};
use crate::setup::start;

/// The statement with which the original makes its table.
const CREATE: &str = "CREATE TABLE `task` (
  `id` int(11) unsigned NOT NULL AUTO_INCREMENT, `uuid` varchar(64) NOT NULL DEFAULT '', `name` varchar(64) NOT NULL DEFAULT '',
  `step` int(11) NOT NULL, `status` int(11) NOT NULL DEFAULT '0', `responses` text NOT NULL, `input` text NOT NULL,
  `host` varchar(64) NOT NULL DEFAULT '', `create_time` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `update_time` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`), UNIQUE KEY `uidx_uuid` (`uuid`), KEY `idx_host_status` (`host`,`status`))";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Receipt {
    number: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JobContext)]
struct Order {
    cents: u32,
    #[serde(default)]
    note: String,
}

struct PlaceOrder;

#[job(name = "place_order")]
impl PlaceOrder {
    #[step]
    async fn charge(&self, order: &mut Order) -> anyhow::Result<Receipt> {
        order.note += "charged here;";
        Ok(Receipt { number: order.cents })
    }

    #[step]
    async fn ship(&self, order: &mut Order, charge: &Receipt) -> anyhow::Result<String> {
        order.note += "shipped here;";
        Ok(format!("parcel of receipt {}", charge.number))
    }

    #[step]
    async fn mail(&self, ship: &String) -> anyhow::Result<String> {
        Ok(format!("mailed {ship}"))
    }
}

/// A job whose last step needs what only the first one answered.
struct Audit;

#[job(name = "audit")]
impl Audit {
    #[step]
    async fn count(&self) -> anyhow::Result<u32> {
        Ok(1)
    }

    #[step]
    async fn sort(&self) -> anyhow::Result<u32> {
        Ok(2)
    }

    #[step]
    async fn sum(&self, count: &u32) -> anyhow::Result<u32> {
        Ok(*count)
    }
}

/// A job whose first step answered something that nests deeply.
struct Deep;

#[job(name = "deep")]
impl Deep {
    #[step]
    async fn nest(&self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::Value::Null)
    }

    #[step]
    async fn show(&self, nest: &serde_json::Value) -> anyhow::Result<String> {
        Ok(nest.to_string())
    }
}

/// Saves a job as the original does after each step.
async fn save(raw: &Raw, uuid: &str, name: &str, step: u32, status: u32, responses: &str, input: &str) {
    raw.execute(&format!(
        "INSERT INTO `task` (`uuid`, `name`, `step`, `status`, `responses`, `input`, `host`) VALUES ('{uuid}', '{name}', \
         {step}, {status}, '{responses}', '{input}', '127.0.0.1:1234') ON DUPLICATE KEY UPDATE `step` = {step}, `status` \
         = {status}, `responses` = '{responses}', `input` = '{input}'"
    ))
    .await;
}

/// Restarts a job as the original does.
async fn restart(raw: &Raw, uuid: &str, step: u32) {
    raw.execute(&format!("UPDATE `task` SET `step` = {step}, `status` = 0 WHERE `uuid` = '{uuid}'")).await;
}

async fn original(database: &TestDatabase) -> Raw {
    let raw = database.raw().await;
    raw.execute(CREATE).await;
    raw
}

async fn adopted(database: &TestDatabase) -> Client {
    database.builder().adopt_original(true).connect().await.expect("the table is adopted")
}

const ORDER: &str = r#"{"cents":7}"#;
const RECEIPT: &str = r#"{"number":70}"#;

on_server! { MySql:
    async fn original_table_is_refused_untouched_without_the_flag(database) {
        let raw = original(&database).await;
        save(&raw, "o-1", "place_order", 1, 0, "", ORDER).await;
        let refused = database.builder().connect().await.expect_err("nobody allowed it");
        assert!(matches!(&refused, ConnectError::OriginalTable { table } if table == "task"), "{refused}");
        assert!(refused.to_string().contains("adopt_original(true)"), "{refused}");
        let refused = database.builder().adopt_original(true).migrate(false).connect().await.expect_err("nor that");
        assert!(matches!(refused, ConnectError::OriginalTable { .. }), "{refused}");
        assert_eq!(raw.number("SELECT count(*) FROM task WHERE responses = '' AND step = 1").await, 1);
        assert_eq!(raw.all("SHOW TABLES").await.len(), 1, "nothing was made");
    }

    async fn adopted_jobs_go_on_from_their_step(database) {
        let raw = original(&database).await;
        save(&raw, "fresh", "place_order", 1, 0, "", ORDER).await;
        save(&raw, "charged", "place_order", 1, 0, "", ORDER).await;
        save(&raw, "charged", "place_order", 2, 0, RECEIPT, r#"{"cents":8}"#).await;
        save(&raw, "shipped", "place_order", 3, 0, r#""parcel-9""#, ORDER).await;
        save(&raw, "all done", "place_order", 4, 0, r#""mailed""#, ORDER).await;
        let client = adopted(&database).await;
        let _center = start(&client, PlaceOrder).await;
        let orders = PlaceOrderHandle::new(&client);
        for (keyword, output, note) in [
            ("fresh", "mailed parcel of receipt 7", "charged here;shipped here;"),
            ("charged", "mailed parcel of receipt 70", "shipped here;"),
            ("shipped", "mailed parcel-9", ""),
            ("all done", "mailed", ""),
        ] {
            let run = orders.find(keyword).await.unwrap().unwrap_or_else(|| panic!("{keyword} is there"));
            assert_eq!(run.wait().await.unwrap(), output, "{keyword}");
            let context = run.context().await.unwrap();
            assert_eq!(context.data.note, note, "{keyword}: no step ran twice");
            assert_eq!(run.info().await.unwrap().status, Status::Succeeded);
        }
        let charged = orders.find("charged").await.unwrap().unwrap();
        assert_eq!(charged.output(PlaceOrder::CHARGE).await.unwrap(), Some(Receipt { number: 70 }));
    }

    async fn ended_jobs_keep_their_outcome_and_can_be_restarted(database) {
        let raw = original(&database).await;
        save(&raw, "done", "place_order", 4, 2, r#""mailed parcel-1""#, ORDER).await;
        save(&raw, "broken", "place_order", 2, 1, RECEIPT, ORDER).await;
        save(&raw, "late", "place_order", 3, 1, r#""parcel-3""#, ORDER).await;
        save(&raw, "revived", "place_order", 2, 1, RECEIPT, ORDER).await;
        restart(&raw, "revived", 2).await;
        let client = adopted(&database).await;
        let orders = PlaceOrderHandle::new(&client);
        let find = async |keyword| orders.find(keyword).await.unwrap().unwrap();
        assert_eq!(find("done").await.wait().await.unwrap(), "mailed parcel-1");
        let failed = find("broken").await.wait().await.unwrap_err();
        assert!(matches!(&failed, WaitError::Failed { failure, .. } if failure.kind() == FailureKind::Other), "{failed}");
        let _center = start(&client, PlaceOrder).await;
        find("broken").await.restart(PlaceOrder::SHIP).await.unwrap();
        assert_eq!(find("broken").await.wait().await.unwrap(), "mailed parcel of receipt 70");
        find("late").await.restart(PlaceOrder::MAIL).await.unwrap();
        assert_eq!(find("late").await.wait().await.unwrap(), "mailed parcel-3", "though the first output is not there");
        assert_eq!(find("revived").await.wait().await.unwrap(), "mailed parcel of receipt 70");
        let known = orders.invoke(Order { cents: 1, note: String::new() }).keyword("done").await.unwrap();
        assert!(!known.created(), "a keyword of the original is taken");
        let new = orders.invoke(Order { cents: 1, note: String::new() }).keyword("new").await.unwrap();
        assert!(new.created() && new.id() > JobId(4), "{}", new.id());
    }

    async fn adopted_job_that_cannot_go_on_is_paused_and_says_why(database) {
        let raw = original(&database).await;
        save(&raw, "far", "audit", 9, 0, "1", "null").await;
        save(&raw, "lost", "audit", 3, 0, "2", "null").await;
        save(&raw, "garbled", "audit", 2, 0, "{not json", "null").await;
        save(&raw, "no input", "place_order", 1, 0, "", "").await;
        let client = adopted(&database).await;
        let _audits = start(&client, Audit).await;
        let _orders = start(&client, PlaceOrder).await;
        for (keyword, expected, says) in [
            ("far", Reason::UnknownStep, "at step 9"),
            ("lost", Reason::UnknownStep, "the output of step count, which is not recorded"),
            ("garbled", Reason::Undecodable, "the output of step count"),
            ("no input", Reason::Undecodable, "the data"),
        ] {
            let run = client.find(keyword).await.unwrap().unwrap();
            let paused = run.wait().await.unwrap_err();
            let WaitError::Paused { reason, message, .. } = paused else { panic!("{keyword}: {paused}") };
            assert_eq!(reason, expected, "{keyword}: {message}");
            assert!(message.contains(says), "{keyword}: {message}");
        }
        let lost = AuditHandle::new(&client).find("lost").await.unwrap().unwrap();
        lost.restart(Audit::COUNT).await.unwrap();
        assert_eq!(lost.wait().await.unwrap(), 1);
    }

    async fn rows_are_copied_as_they_were_and_the_table_is_kept(database) {
        let raw = original(&database).await;
        raw.execute("ALTER TABLE task MODIFY uuid varchar(64) CHARACTER SET latin1 NOT NULL").await;
        raw.execute("ALTER TABLE task MODIFY input text CHARACTER SET utf8mb4 NOT NULL").await;
        save(&raw, "Örder 1 ", "place_order", 3, 2, r#""it''s \\"so\\"""#, "{\"cents\":1,\"note\":\"Ünïcode 🦀\"}").await;
        // In summer and in winter; the servers of the tests run in New York's time.
        raw.execute("UPDATE task SET create_time = '2026-07-01 08:00:00', update_time = '2026-12-01 07:00:00.4'").await;
        let client = adopted(&database).await;
        let run = PlaceOrderHandle::new(&client).find("Örder 1 ").await.unwrap().expect("byte for byte");
        let info = run.info().await.unwrap();
        assert_eq!((info.created_at, info.updated_at), (at(1_782_907_200), at(1_796_126_400)), "noon UTC");
        assert_eq!((info.host.as_str(), info.is_held), ("127.0.0.1:1234", false));
        assert_eq!(run.context().await.unwrap().data.note, "Ünïcode 🦀");
        assert_eq!(client.find("Örder 1 ").await.unwrap().unwrap().wait().await.unwrap(), "it's \"so\"");
        assert_eq!(raw.number("SELECT count(*) FROM task_original WHERE step = 3 AND status = 2").await, 1);
        drop(adopted(&database).await);
        drop(database.client().await);
    }

    async fn odd_rows_are_adopted_too(database) {
        let raw = original(&database).await;
        raw.execute("ALTER TABLE task MODIFY id int NOT NULL AUTO_INCREMENT, MODIFY create_time datetime NULL, MODIFY \
                     responses text NULL, MODIFY host varchar(64) NULL").await;
        let nested = format!("{}1{}", "[".repeat(60), "]".repeat(60));
        save(&raw, "nested", "deep", 2, 0, &nested, "null").await;
        save(&raw, "odd", "deep", 1, 7, "", "null").await;
        save(&raw, "lines", "deep", 3, 2, "\"a\\\\nb\\\\u0000\\\\t\"", "null").await;
        raw.execute("SET STATEMENT sql_mode = 'NO_AUTO_VALUE_ON_ZERO' FOR INSERT INTO task (id, uuid, name, step, status, \
                     responses, input, host, create_time) VALUES (0, 'zero', 'deep', 1, 2, NULL, 'null', NULL, \
                     '0000-00-00'), (-5, 'below', 'deep', 1, 2, '', 'null', '', NULL)").await;
        let client = adopted(&database).await;
        let _center = start(&client, Deep).await;
        let find = async |keyword| DeepHandle::new(&client).find(keyword).await.unwrap().unwrap();
        assert_eq!(find("nested").await.wait().await.unwrap(), nested);
        assert_eq!(find("lines").await.wait().await.unwrap(), "a\nb\0\t");
        let WaitError::Paused { message, .. } = find("odd").await.wait().await.unwrap_err() else { panic!("it is paused") };
        assert!(message.contains("its status was 7"), "{message}");
        for (keyword, id) in [("zero", 0), ("below", -5)] {
            let info = find(keyword).await.info().await.unwrap();
            assert_eq!((info.id, info.created_at, info.status), (JobId(id), UNIX_EPOCH, Status::Succeeded));
        }
        assert_eq!(client.purge(SystemTime::now() + Duration::from_secs(24 * 3600)).await.unwrap(), 4);
    }

    async fn view_is_not_adopted(database) {
        let raw = original(&database).await;
        raw.execute("RENAME TABLE task TO theirs").await;
        raw.execute("CREATE VIEW task AS SELECT * FROM theirs").await;
        let refused = database.builder().adopt_original(true).connect().await.expect_err("it is no table");
        assert!(matches!(refused, ConnectError::ForeignTable { .. }), "{refused}");
    }

    async fn adoption_that_was_cut_off_is_taken_up(database) {
        let raw = original(&database).await;
        let rows: Vec<String> = (1..=1700).map(|id| format!("('o-{id}', 'place_order', 1, 0, '', '{ORDER}')")).collect();
        raw.execute(&format!("INSERT INTO task (uuid, name, step, status, responses, input) VALUES {}", rows.join(","))).await;
        raw.execute("DELETE FROM task WHERE id BETWEEN 300 AND 1000").await;
        drop(adopted(&database).await);
        assert_eq!(raw.number("SELECT count(*) FROM task").await, 999);
        // As a program leaves it that dies while it copies.
        raw.execute("DELETE FROM vtask_migrations").await;
        raw.execute("DELETE FROM task WHERE id > 200").await;
        let refused = database.builder().connect().await.expect_err("it is half done");
        assert!(matches!(refused, ConnectError::OriginalTable { .. }), "{refused}");
        drop(adopted(&database).await);
        assert_eq!(raw.number("SELECT count(*) FROM task").await, 999);
        assert_eq!(raw.number("SELECT count(DISTINCT lease) + count(DISTINCT birth) FROM task").await, 2 * 999);
        // And as one leaves it that dies before it copies.
        raw.execute("DROP TABLE task").await;
        raw.execute("DROP TABLE task_node").await;
        raw.execute("DELETE FROM vtask_migrations").await;
        let client = adopted(&database).await;
        let _center = start(&client, PlaceOrder).await;
        let last = PlaceOrderHandle::new(&client).find("o-1700").await.unwrap().unwrap();
        assert_eq!((last.id(), last.wait().await.unwrap().as_str()), (JobId(1700), "mailed parcel of receipt 7"));
    }

    async fn many_that_adopt_at_once_copy_each_row_once(database) {
        let raw = original(&database).await;
        let rows: Vec<String> = (1..=600).map(|id| format!("('o-{id}', 'place_order', 1, 0, '', '{ORDER}')")).collect();
        raw.execute(&format!("INSERT INTO task (uuid, name, step, status, responses, input) VALUES {}", rows.join(","))).await;
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..10 {
            starts.spawn(database.builder().adopt_original(true).connect());
        }
        for started in starts.join_all().await {
            started.expect("all come up");
        }
        assert_eq!(raw.number("SELECT count(*) FROM task").await, 600);
    }

    async fn table_that_is_not_the_originals_is_not_adopted(database) {
        let raw = database.raw().await;
        raw.execute("CREATE TABLE task (id int PRIMARY KEY, uuid varchar(64), name varchar(64), step int)").await;
        let refused = database.builder().adopt_original(true).connect().await.expect_err("it is somebody's own");
        assert!(matches!(refused, ConnectError::ForeignTable { .. }), "{refused}");
    }
}

fn at(seconds: u64) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}
