//! Waiting for what others tell.

use tokio::sync::Notify;

/// Waits until it is so. Whoever makes it so tells afterwards.
///
/// # Cancel safety
///
/// Nothing is lost if the future is dropped.
pub(crate) async fn until(told: &Notify, is_so: impl Fn() -> bool) {
    loop {
        // Before the look: what is told after it counts.
        let next = told.notified();
        if is_so() {
            return;
        }
        next.await;
    }
}
