//! Storage calls that get no answer.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use vtask_storage::{JobStorage, StorageError};

/// No call takes as long: a storage's own limits, on locks, statements and connections, are shorter. And it is less than
/// a caller's patience, so that there is another try.
pub(crate) const LONGEST: Duration = Duration::from_secs(20);

/// Waits for the answer to a call. Gives up the connection of a server that has fallen silent without closing it, and
/// one that takes no writes.
pub(crate) async fn answer<T>(
    storage: &dyn JobStorage,
    call: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let begun = Instant::now();
    let answer = answer_within(LONGEST, call, || storage.give_up(begun)).await;
    match &answer {
        // A session stays read-only when the server is so no longer, and another server may be in its place.
        Err(StorageError::ReadOnly(_)) => drop(storage.give_up(begun)),
        Err(error) => storage.look_elsewhere(begun, error),
        Ok(_) => {}
    }
    answer
}

/// Waits for the answer to a call, unless it takes longer and `give_up` says that its future may be dropped.
pub(crate) async fn answer_within<T>(
    longest: Duration,
    call: impl Future<Output = Result<T, StorageError>>,
    give_up: impl Fn() -> bool,
) -> Result<T, StorageError> {
    let mut call = pin!(call);
    loop {
        tokio::select! {
            biased;
            answer = &mut call => return answer,
            () = tokio::time::sleep(longest) => {}
        }
        if give_up() {
            return Err(StorageError::Unavailable(format!("no answer within {longest:?}").into()));
        }
    }
}
