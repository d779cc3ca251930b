//! Storage calls that get no answer.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use vtask_storage::{JobStorage, StorageError};

/// No call takes as long: a storage's own limits, on locks, statements and connections, are shorter. And it is less than
/// a caller's patience, so that there is another try.
const LONGEST: Duration = Duration::from_secs(20);

/// Waits for the answer to a call, and gives up the connection of a server that has fallen silent without closing it.
pub(crate) async fn answer<T>(
    storage: &dyn JobStorage,
    call: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let (mut call, begun) = (pin!(call), Instant::now());
    loop {
        tokio::select! {
            biased;
            answer = &mut call => return answer,
            () = tokio::time::sleep(LONGEST) => {}
        }
        if storage.give_up(begun) {
            return Err(StorageError::Unavailable(format!("no answer within {LONGEST:?}").into()));
        }
    }
}
