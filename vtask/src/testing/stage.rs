//! A job whose bodies are watched, and at one of which the process dies.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;

use crate::codec::Outputs;
use crate::job::erased::{AnyContext, AnyJob, CodecError, Finished, Method, Work};
use crate::job::plan::Plan;
use crate::job::scope::Scope;

/// When the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before anything of the body has run; all that came before is recorded.
    Before,
    /// Where the body waits for the so-manieth time.
    Inside(u32),
    /// After all of the body has run, before any of it is recorded.
    Unrecorded,
}

/// What happens to the bodies of a job, and what has happened.
#[derive(Default)]
pub(super) struct Script {
    state: Mutex<State>,
    struck: Notify,
}

#[derive(Default)]
struct State {
    /// In the order in which they began.
    bodies: Vec<Seen>,
    /// The process dies at this body, counted from 0.
    strike: Option<(usize, Moment)>,
    /// It dies before this step begins for the first time.
    end: Option<Method>,
}

/// A body that has begun.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) name: &'static str,
    /// How often it has waited.
    pub(super) waits: u32,
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn strike_at(&self, body: usize, moment: Moment) {
        self.lock().strike = Some((body, moment));
    }

    pub(super) fn end_before(&self, method: Method) {
        self.lock().end = Some(method);
    }

    /// Waits until the process has to die.
    pub(super) async fn struck(&self) {
        self.struck.notified().await;
    }

    pub(super) fn bodies(&self) -> Vec<Seen> {
        self.lock().bodies.clone()
    }

    /// A body is about to begin: where it is to be struck, if it is this one.
    fn begin(&self, method: Method, name: &'static str) -> (usize, Option<Moment>) {
        let mut state = self.lock();
        if state.end == Some(method) {
            return (0, Some(Moment::Before));
        }
        let number = state.bodies.len();
        let moment = state.strike.take_if(|(body, _)| *body == number).map(|(_, moment)| moment);
        if moment != Some(Moment::Before) {
            state.bodies.push(Seen { method, name, waits: 0 });
        }
        (number, moment)
    }

    /// It waits; answers for which time.
    fn wait(&self, body: usize) -> u32 {
        let mut state = self.lock();
        let seen = &mut state.bodies[body];
        seen.waits += 1;
        seen.waits
    }

    fn die(&self) {
        self.struck.notify_one();
    }
}

/// A job on its stage.
pub(super) struct Staged {
    pub(super) job: Arc<dyn AnyJob>,
    pub(super) script: Arc<Script>,
}

impl Staged {
    fn name(&self, method: Method) -> &'static str {
        let plan = self.job.plan();
        let callback = match method {
            Method::Step(step) => return plan.steps[step].name,
            Method::OnSuccess => &plan.on_success,
            Method::OnFailure => &plan.on_failure,
        };
        callback.as_ref().map_or("", |callback| callback.name)
    }
}

impl AnyJob for Staged {
    fn plan(&self) -> &Plan {
        self.job.plan()
    }

    fn keyword_parts(&self, json: &str) -> Result<Vec<String>, serde_json::Error> {
        self.job.keyword_parts(json)
    }

    fn decode(&self, input: &str, outputs: &Outputs) -> Result<AnyContext, CodecError> {
        self.job.decode(input, outputs)
    }

    fn work(self: Arc<Self>, method: Method, context: AnyContext, scope: Scope) -> Work {
        let (body, moment) = self.script.begin(method, self.name(method));
        let script = Arc::clone(&self.script);
        if moment == Some(Moment::Before) {
            return Work::Async(Box::pin(async move {
                script.die();
                pending().await
            }));
        }
        match Arc::clone(&self.job).work(method, context, scope) {
            Work::Async(work) => Work::Async(Box::pin(Played { moment, ..Played::new(work, script, body) })),
            Work::Blocking(work) if moment == Some(Moment::Unrecorded) => Work::Async(Box::pin(async move {
                // Whatever it came to, nobody hears of it.
                let _ = tokio::task::spawn_blocking(work).await;
                script.die();
                pending().await
            })),
            blocking @ Work::Blocking(_) => blocking,
        }
    }
}

/// A body that is watched.
struct Played {
    /// `None` once it has ended, or was struck.
    work: Option<Pin<Box<dyn Future<Output = Finished> + Send>>>,
    waits: Arc<Waits>,
    script: Arc<Script>,
    body: usize,
    moment: Option<Moment>,
}

/// Tells a body that something has come of what it waits for, so that it is polled for that alone.
struct Waits {
    task: Mutex<Waker>,
    is_over: AtomicBool,
}

impl Wake for Waits {
    fn wake(self: Arc<Self>) {
        self.is_over.store(true, Ordering::SeqCst);
        self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
    }
}

impl Played {
    fn new(work: Pin<Box<dyn Future<Output = Finished> + Send>>, script: Arc<Script>, body: usize) -> Self {
        let waits = Waits { task: Mutex::new(Waker::noop().clone()), is_over: AtomicBool::new(true) };
        Self { work: Some(work), waits: Arc::new(waits), script, body, moment: None }
    }
}

impl Future for Played {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished> {
        self.waits.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(context.waker());
        if !self.waits.is_over.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::clone(&self.waits));
        let Some(work) = &mut self.work else { return Poll::Pending };
        let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
        let dies = match &polled {
            Poll::Ready(_) => self.moment == Some(Moment::Unrecorded),
            Poll::Pending => self.moment == Some(Moment::Inside(self.script.wait(self.body))),
        };
        if polled.is_ready() || dies {
            self.work = None;
        }
        if !dies {
            return polled;
        }
        self.script.die();
        Poll::Pending
    }
}
