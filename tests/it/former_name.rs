//! Jobs that were invoked before their type was renamed.

use vtask::job;

use crate::setup::{paused_client, start};

struct Renamed;

#[job(name = "new_name", was = "old_name")]
impl Renamed {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        Ok(1)
    }
}

#[tokio::test(start_paused = true)]
async fn json_of_a_former_name_finds_the_job_that_was_invoked_under_it() {
    let client = paused_client();
    let first = client.invoke_json("old_name", "null", "k").await.unwrap();
    let center = start(&client, Renamed).await;
    let typed = RenamedHandle::new(&client).invoke(()).keyword("k").await.unwrap();
    assert_eq!((typed.id(), typed.created()), (first.id(), false));
    for name in ["old_name", "new_name"] {
        let again = center.invoke_json(name, "null", "k").await.unwrap();
        assert_eq!((again.id(), again.created()), (first.id(), false), "{name}");
    }
    assert_eq!(typed.wait().await.unwrap(), 1);
}
