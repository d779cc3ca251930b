//! How SQLite carries out claims, writes and the look at what is due: guards that none of them reads the whole table.

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::{Lent, SqlStorage, due};
use crate::open::OpenOptions;

/// The lines of the plan of a statement whose parameters are NULLs.
async fn plan(lent: &Lent, text: &str) -> Vec<String> {
    let values = vec![Value::BigInt(None); text.matches('?').count()];
    let explain = Statement::from_sql_and_values(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {text}"), values);
    let rows = lent.query_all_raw(explain).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(3).unwrap()).collect()
}

async fn assert_goes_by_the_index(lent: &Lent, text: &str) {
    for line in plan(lent, text).await {
        let begins = |start: &str| line.split_whitespace().take(2).eq(start.split_whitespace());
        let reads_all = begins("SCAN t") || begins("SCAN task") || line.contains("AUTOMATIC") || is_sorted(&line);
        assert!(!reads_all, "{line}: {}", &text[..text.len().min(400)]);
    }
}

fn is_sorted(line: &str) -> bool {
    line.contains("TEMP B-TREE")
}

#[tokio::test]
async fn claims_writes_and_looks_go_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("jobs.db").display());
    let storage = SqlStorage::open(url, &OpenOptions::default()).await.unwrap();
    let (sql, writer, reader) =
        (&storage.sql, storage.writer().await.unwrap(), storage.connections.reader().lend().await.unwrap());
    for batch in [&sql.write, &sql.step, &sql.claim] {
        for text in batch.texts() {
            assert_goes_by_the_index(&writer, text).await;
        }
    }
    for (names, nodes) in [(1, false), (4, true)] {
        let text = sql.statement(&due::text(sql, names, nodes), []).sql;
        assert_goes_by_the_index(&reader, &text).await;
    }
    let present = due::text(sql, 1, false).replace("ORDER BY t.wake_at", "ORDER BY +t.wake_at");
    let lines = plan(&reader, &sql.statement(&present, []).sql).await;
    assert!(lines.iter().any(|line| is_sorted(line)), "such a plan is told: {lines:?}");
}
