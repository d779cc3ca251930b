//! What is logged.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;

use crate::database::PASSWORD;

/// A value of a [`Secret`](vtask::Secret).
pub(crate) const CANARY: &str = "canary-4111-1111";

/// What tracing says; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Kept>);

#[derive(Default)]
struct Kept {
    text: Mutex<Vec<u8>>,
    is_watch: bool,
    /// Whether a watch keeps what it sees.
    keeps: AtomicBool,
    /// A line that shows what must never show.
    betrayal: Mutex<Option<String>>,
}

/// Sees all that the process logs, and keeps none of it unless it is told to.
static WATCH: LazyLock<Said> = LazyLock::new(|| {
    let said = Said(Arc::new(Kept { is_watch: true, ..Kept::default() }));
    tracing::subscriber::set_global_default(said.subscriber()).expect("nobody else sets one");
    said
});

/// Has all that the process logs from now on, at every level, looked through for passwords and secrets.
pub(crate) fn watch() -> &'static Said {
    &WATCH
}

impl Said {
    /// Has it written here.
    pub(crate) fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(self.clone())
            .finish()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.text.lock().unwrap()).into_owned()
    }

    /// Keeps what is said from now on.
    pub(crate) fn keep(&self) -> &Self {
        self.0.keeps.store(true, Ordering::Relaxed);
        self
    }

    /// Fails if a line has shown a password or a secret.
    #[track_caller]
    pub(crate) fn has_betrayed_nothing(&self) {
        let betrayal = self.0.betrayal.lock().unwrap().take();
        assert_eq!(betrayal, None, "a log line holds a password or a secret");
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let kept = &self.0;
        if kept.is_watch {
            let line = String::from_utf8_lossy(bytes);
            if [PASSWORD, CANARY].iter().any(|secret| line.contains(secret)) {
                *kept.betrayal.lock().unwrap() = Some(line.into_owned());
            }
        }
        if !kept.is_watch || kept.keeps.load(Ordering::Relaxed) {
            kept.text.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Said {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
#[should_panic(expected = "a log line holds a password or a secret")]
fn line_with_a_password_is_betrayal() {
    let said = Said(Arc::new(Kept { is_watch: true, ..Kept::default() }));
    tracing::subscriber::with_default(said.subscriber(), || tracing::trace!("connecting as me:{PASSWORD}"));
    said.has_betrayed_nothing();
}
