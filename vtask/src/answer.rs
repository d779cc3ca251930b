//! Storage calls that get no answer.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use vtask_storage::{JobStorage, StorageError};

/// No call takes as long: a storage's own limits, on locks, statements and connections, are shorter. And it is less than
/// a caller's patience, so that there is another try.
const LONGEST: Duration = Duration::from_secs(20);

/// Waits for the answer to a call. Gives up the connection of a server that has fallen silent without closing it, and
/// one that takes no writes.
pub(crate) async fn answer<T>(
    storage: &dyn JobStorage,
    call: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let (mut call, begun) = (pin!(call), Instant::now());
    loop {
        tokio::select! {
            biased;
            answer = &mut call => {
                // A session stays read-only when the server is so no longer, and another server may be in its place.
                if let Err(StorageError::ReadOnly(_)) = answer {
                    storage.give_up(begun);
                }
                return answer;
            }
            () = tokio::time::sleep(LONGEST) => {}
        }
        if storage.give_up(begun) {
            return Err(StorageError::Unavailable(format!("no answer within {LONGEST:?}").into()));
        }
    }
}
