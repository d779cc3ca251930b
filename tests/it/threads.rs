//! What may go from thread to thread.

use std::fmt::Debug;

use vtask::{
    Attempt, Client, ClientBuilder, ConnectError, Health, HealthProbe, InvokeError, InvokeJson, Invoked, JobCenter,
    JobCenterBuilder, JobFailure, JobHandle, JobInfo, JobRun, Restart, RunError, Secret, ShutdownError, StartError,
    StorageError, WaitError,
};

use crate::jobs::Once;

fn all<T: Send + Sync + Debug + 'static>() {}
fn sent<T: Send>(_: T) {}

#[test]
fn public_types_are_send_and_sync() {
    all::<(Client, ClientBuilder, JobHandle<Once>, JobRun<Once>, JobRun, Invoked<Once>, JobCenter)>();
    all::<(Attempt, JobFailure, JobInfo, Health, HealthProbe, Secret<String>)>();
    all::<(ConnectError, InvokeError, RunError, ShutdownError, StartError, StorageError, WaitError)>();
    // Builders are awaited in one place, and that may be another thread.
    let _ = |builder: JobCenterBuilder, restart: Restart<Once>, json: InvokeJson| {
        sent(builder);
        sent(restart);
        sent(json);
    };
}

#[tokio::test]
async fn futures_may_be_spawned() {
    let client = Client::in_memory();
    let handle = JobHandle::<Once>::new(&client);
    sent(handle.invoke(()).into_future());
    sent(handle.invoke_many([()]).into_future());
    let run = handle.invoke(()).await.expect("it is saved");
    sent(run.wait());
    sent(run.cancel());
    sent(JobCenter::builder(&client).register(Once::default()).start());
    let center = JobCenter::builder(&client).register(Once::default()).start().await.expect("it starts");
    sent(center.health());
    sent(center.shutdown());
}
