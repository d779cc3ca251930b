//! What the compiler says to mistakes, file by file in `ui/fail`.
//!
//! `TRYBUILD=overwrite cargo test -p vtask-tests macro_ui` writes the `.stderr` files anew. What must compile is in
//! `ui/pass`, a library that is built and linted with all else.

use std::process::Command;

/// The compiler whose messages are in the `.stderr` files: another one words them otherwise.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn mistakes_are_told_where_they_are_made() {
    let version = version();
    if version.starts_with(COMPILER) {
        trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
    } else {
        println!("left out: the messages are those of {COMPILER}, this is {version}");
    }
}

/// What `rustc --version` says of the compiler that cargo uses here.
fn version() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("there is a compiler");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
