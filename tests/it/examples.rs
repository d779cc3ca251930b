//! The examples, run as a user runs them, and killed as a machine kills them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;
use vtask::{Client, Event, Status};

/// Where the examples are, built if need be.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let build =
            Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "vtask-examples", "--examples"]).status();
        assert!(build.expect("cargo runs").success(), "the examples build");
        // The test's own binary is target/<profile>/deps/it-<hash>.
        let binary = std::env::current_exe().expect("a test is a file");
        binary.parent().and_then(Path::parent).expect("in target/<profile>/deps").join("examples")
    })
}

fn command(name: &str, cwd: &TempDir) -> Command {
    let mut command = Command::new(folder().join(name));
    command.current_dir(cwd.path()).env_remove("RUST_BACKTRACE");
    command
}

fn text(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    String::from_utf8(output.stdout.clone()).expect("examples print text")
}

#[track_caller]
fn check(name: &str, cwd: &TempDir, expected: &str) {
    let printed = text(&command(name, cwd).output().expect("the example starts"));
    assert_eq!(printed.trim(), expected.trim());
}

#[test]
fn hello_runs_once_however_often_it_is_started() {
    let cwd = tempfile::tempdir().unwrap();
    check(
        "hello",
        &cwd,
        r#"
step 1 says: hello
saved after step 1: HelloContext { data: {"text":"hello"}, hello: "hello", world: null }
step 2 says: hello world
saved after step 2: HelloContext { data: {"text":"hello world"}, hello: "hello", world: "hello world" }
result: "hello world"
"#,
    );
    check(
        "hello",
        &cwd,
        r#"
keyword uuid1 already is job 1: nothing was started
its result: "hello world"
"#,
    );
}

#[test]
fn order_retries_stops_and_calls_back() {
    let cwd = tempfile::tempdir().unwrap();
    let printed = text(&command("order", &cwd).output().unwrap());
    for line in [
        "order 7 is job 1 with keyword place_order/7, new: true",
        "charge: attempt 1",
        "charge: attempt 2",
        "ship: order 7, paid 4200 cents",
        "thank: order 7 is on its way in parcel-7",
        "order 7: parcel-7",
        "refund: order 8 was not charged (step charge stopped the job: nothing to pay)",
        "order 8: step charge stopped the job: nothing to pay",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line:?} is missing in\n{printed}");
    }
    assert!(!printed.contains("4111"), "the secret shows in\n{printed}");
}

#[test]
fn crash_repeats_the_step_that_ran_and_no_other() {
    let cwd = tempfile::tempdir().unwrap();
    let printed = text(&command("crash", &cwd).output().unwrap());
    let diary: Vec<&str> = printed.lines().skip_while(|line| !line.starts_with("the diary")).skip(1).collect();
    let ride = "ride with a ticket to Lisbon";
    assert_eq!(diary, ["book", ride, ride, "rest", ""], "{printed}");
}

#[test]
fn child_jobs_are_invoked_once_though_the_step_ran_twice() {
    let cwd = tempfile::tempdir().unwrap();
    let printed = text(&command("child_jobs", &cwd).output().unwrap());
    assert!(printed.contains("invite: attempt 2"), "{printed}");
    assert_eq!(printed.lines().filter(|line| line.starts_with("mail to")).count(), 3, "{printed}");
    assert!(printed.ends_with("sent: 3\nmail jobs: 3\n"), "{printed}");
}

#[test]
fn own_storage_passes_the_suite_and_sees_every_change() {
    let cwd = tempfile::tempdir().unwrap();
    let printed = text(&command("own_storage", &cwd).output().unwrap());
    assert!(printed.lines().next().is_some_and(|line| line.ends_with("checks passed")), "{printed}");
    assert!(printed.ends_with("job 1: Running, step 1 to 2\njob 1: Succeeded, step 2 to 3\n"), "{printed}");
}

/// Starts `order`, and kills it with SIGKILL after a while, unless it has ended by then.
fn killed_order(cwd: &TempDir, after: Duration) -> String {
    let mut child: Child = command("order", cwd).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn order_killed_anywhere_ends_as_if_nothing_had_happened() {
    let mut kills_inside = 0;
    for millis in (5..330).step_by(13) {
        let cwd = tempfile::tempdir().unwrap();
        let before = killed_order(&cwd, Duration::from_millis(millis));
        kills_inside += u32::from(!before.contains("order 8: "));
        let after = text(&command("order", &cwd).output().unwrap());
        let told = format!("killed after {millis} ms\n--- before\n{before}--- after\n{after}");
        assert!(after.contains("order 7: parcel-7\n"), "{told}");
        // A step begins only when the one before it is recorded, and then that one never runs again.
        assert!(!(before.contains("ship: order") && after.contains("charge: attempt")), "{told}");
        assert!(!(before.contains("thank: order") && after.contains("ship: order")), "{told}");
        // The failed first attempt was counted before the second one began.
        assert!(!(before.contains("charge: attempt 2") && after.contains("charge: attempt 1")), "{told}");
        check_history(&cwd, &told).await;
    }
    assert!(kills_inside >= 10, "only {kills_inside} of the kills met a running process");
}

async fn check_history(cwd: &TempDir, told: &str) {
    let url = format!("sqlite://{}", cwd.path().join("order.db").display());
    let client = Client::connect(url).await.unwrap();
    let info = client.find("place_order/7").await.unwrap().unwrap().info().await.unwrap();
    assert_eq!((info.status, info.step, info.is_held), (Status::Succeeded, 3, false), "{told}");
    let recorded =
        |step| info.history.iter().filter(|entry| entry.event == Event::Recorded && entry.step == step).count();
    assert_eq!((recorded("charge"), recorded("ship")), (1, 1), "{told}");
    let failed = info.history.iter().filter(|entry| entry.event == Event::Failed).count();
    assert_eq!(failed, 1, "a failure costs exactly one attempt, a crash none: {told}");
}
