//! The tables of a database that is to be as empty in the end as it was in the beginning.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::scratch::Kind;

/// Whatever the user has in a database of his.
pub(crate) async fn names(database: &DatabaseConnection, kind: Kind) -> anyhow::Result<Vec<String>> {
    let tables = match kind {
        Kind::Sqlite => "name FROM sqlite_schema",
        Kind::MySql => "table_name FROM information_schema.tables WHERE table_schema = database()",
        Kind::Postgres => {
            "c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', \
             'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"
        }
    };
    let text = Statement::from_string(database.get_database_backend(), format!("SELECT {tables}"));
    Ok(database.query_all_raw(text).await?.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// Drops what was made in a database that was empty: the tables of vtask, and the same once more for the bare limit.
pub(crate) async fn drop_all(database: &DatabaseConnection, kind: Kind) -> anyhow::Result<()> {
    let ours =
        |name: &String| name == "task" || ["task_", "vtask_", "bare_"].iter().any(|start| name.starts_with(start));
    for name in names(database, kind).await?.into_iter().filter(ours) {
        database.execute_unprepared(&format!("DROP TABLE IF EXISTS {name}")).await?;
    }
    Ok(())
}

/// Empties a table of ours.
pub(crate) async fn empty(database: &DatabaseConnection, kind: Kind, table: &str) -> anyhow::Result<()> {
    let verb = if kind == Kind::Sqlite { "DELETE FROM" } else { "TRUNCATE TABLE" };
    database.execute_unprepared(&format!("{verb} {table}")).await?;
    Ok(())
}
