//! A body that runs, in its runner's task or in one of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::place::{PLACE, Place};
use crate::job::erased::Finished;

type Work = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// A body with what is around it: its place, without which it does not go on, and its span.
pub(super) struct Body {
    /// `None` once it has ended.
    work: Option<Work>,
    place: Arc<Place>,
    span: tracing::Span,
    /// Taking a slot again: one that dropped a wait half-way has none.
    entering: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Body {
    pub(super) fn new(work: Work, place: Arc<Place>, span: tracing::Span) -> Self {
        Self { work: Some(work), place, span, entering: None }
    }
}

impl Future for Body {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished> {
        let Self { work, place, span, entering } = &mut *self;
        let Some(body) = work else { return Poll::Pending };
        let _in_span = span.enter();
        loop {
            if let Some(enters) = entering {
                ready!(enters.as_mut().poll(context));
                *entering = None;
            }
            if !place.lacks_slot() {
                let finished = ready!(PLACE.sync_scope(Arc::clone(place), || body.as_mut().poll(context)));
                *work = None;
                return Poll::Ready(finished);
            }
            let place = Arc::clone(place);
            *entering = Some(Box::pin(async move { place.enter().await }));
        }
    }
}

impl Drop for Body {
    /// What the user's code drops, it drops in the span of its step.
    fn drop(&mut self) {
        let _in_span = self.span.enter();
        self.work = None;
    }
}
