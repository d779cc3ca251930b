//! The tables as a user's own sea-orm code sees them.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use vtask::storage::entity::{task, task_node};
use vtask::storage::value::Hash;
use vtask::{Client, Status, job};

use crate::database::on_each_database;
use crate::setup::center;

struct Adds;

#[job]
impl Adds {
    #[step]
    async fn one(&self) -> anyhow::Result<u32> {
        Ok(1)
    }

    #[step]
    async fn two(&self, one: &u32) -> anyhow::Result<u32> {
        Ok(one + 1)
    }
}

on_each_database! {
    async fn every_column_reads_as_its_entity_says(database) {
        let client: Client = database.client().await;
        let center = center(&client).host("me").register(Adds).start().await.unwrap();
        let run = AddsHandle::new(&client).invoke(()).keyword("k").await.unwrap();
        run.wait().await.unwrap();
        let raw = database.raw().await.0;
        let row = task::Entity::find().filter(task::Column::Uuid.eq("k")).one(&raw).await.unwrap().unwrap();
        assert_eq!((row.id, row.name.as_str(), row.step, row.steps), (run.id().0, "adds", 3, 2));
        assert_eq!((row.status, row.work, row.boot), (Status::Succeeded.code(), 0, 0));
        assert_eq!((row.responses.as_str(), row.input.as_str()), (r#"{"one":1,"two":2}"#, "null"));
        assert_eq!((row.key_hash, row.host.as_str()), (Hash::of("k").0.to_vec(), "me"));
        assert!(row.update_time >= row.create_time && row.create_time > 1_700_000_000_000_000);
        let nodes = task_node::Entity::find().all(&raw).await.unwrap();
        assert_eq!(nodes.iter().map(|node| node.host.as_slice()).collect::<Vec<_>>(), [b"me"]);
        center.shutdown().await.unwrap();
        assert_eq!(task_node::Entity::find().count(&raw).await.unwrap(), 0, "who leaves takes its row off the list");
    }
}
