//! Starts that have to be refused.

use std::error::Error;

use vtask::{ClientBuilder, ConnectError};

use crate::database::PASSWORD;

/// What a start says that has to be refused; the password is nowhere in it.
pub(super) async fn refused(builder: ClientBuilder) -> ConnectError {
    assert_keeps_password(&format!("{builder:?}"));
    let error = builder.connect().await.expect_err("the start has to be refused");
    for error in chain(&error) {
        assert_keeps_password(&format!("{error} {error:?} {error:#?}"));
    }
    error
}

/// The error and its causes.
pub(super) fn chain(error: &ConnectError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &dyn Error), |error| (**error).source())
}

#[track_caller]
fn assert_keeps_password(text: &str) {
    assert!(!text.contains(PASSWORD), "the password is in {text}");
}

/// Asserts the variant and the text of a refusal.
macro_rules! assert_refused {
    ($error:expr, $variant:pat, $text:expr) => {{
        let (error, text): (_, &str) = ($error, $text.as_ref());
        assert!(matches!(error, $variant), "{error:?}");
        assert_eq!(error.to_string(), text);
    }};
}
pub(super) use assert_refused;
