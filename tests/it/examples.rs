//! The examples, run as a user runs them, and killed as a machine kills them: the same programs print the same on each
//! database.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use vtask::{Client, HistoryEvent, JobFilter, JobInfo, Status};

use crate::database::{Kind, TestDatabase, admin, on_each_database, on_each_server};
use crate::process::Running;

const FEATURES: [&str; 2] =
    ["--features", "vtask/conformance,vtask/mysql,vtask/postgres,vtask/testing,vtask/tls-rustls"];

/// Where the examples are, built if need be.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // As tests/run builds them, or all that they are built from would be built again.
        let build =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--workspace", "--examples"]).args(FEATURES).status();
        assert!(build.expect("cargo runs").success(), "the examples build");
        // The test's own binary is target/<profile>/deps/it-<hash>.
        let binary = std::env::current_exe().expect("a test is a file");
        binary.parent().and_then(Path::parent).expect("in target/<profile>/deps").join("examples")
    })
}

/// Where an example runs, and what it is told.
pub(crate) struct Place {
    cwd: TempDir,
    url: Option<String>,
}

impl Place {
    pub(crate) fn on(url: &str) -> Self {
        Self { url: Some(url.to_owned()), ..Self::without_url() }
    }

    fn without_url() -> Self {
        Self { cwd: tempfile::tempdir().unwrap(), url: None }
    }

    fn command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(folder().join(name));
        command.current_dir(self.cwd.path()).env("TMPDIR", self.cwd.path());
        command.env_remove("RUST_BACKTRACE").env_remove("VTASK_HOST");
        command.args(args).args(&self.url);
        command
    }

    pub(crate) fn start(&self, name: &str, args: &[&str]) -> Running {
        Running::new(self.command(name, args))
    }

    /// What the example prints, once it has ended well.
    #[track_caller]
    fn printed(&self, name: &str) -> String {
        self.start(name, &[]).end_well()
    }

    #[track_caller]
    fn check(&self, name: &str, expected: &str) {
        assert_eq!(self.printed(name).trim(), expected.trim());
    }

    /// As `check`, where two tasks print and either may be the first.
    #[track_caller]
    fn check_in_any_order(&self, name: &str, expected: &str) {
        let printed = self.printed(name);
        assert_eq!(sorted(printed.trim()), sorted(expected.trim()));
    }

    /// The databases in the folder, without the files that SQLite has beside them.
    fn files(&self) -> Vec<String> {
        let names = self.cwd.path().read_dir().unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect();
        names.sort();
        names
    }
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

const HELLO: &str = r#"
step 1 says: hello
saved after step 1: HelloContext { data: {"text":"hello"}, hello: "hello", world: null }
step 2 says: hello world
saved after step 2: HelloContext { data: {"text":"hello world"}, hello: "hello", world: "hello world" }
result: "hello world"
"#;

const HELLO_AGAIN: &str = r#"
keyword uuid1 already is job 1: nothing was started
its result: "hello world"
"#;

const ORDER: &str = r#"
order 7 is job 1 with keyword place_order/7, new: true
charge: attempt 1
charge: attempt 2
bank: 4200 cents from the card that ends in 1234
ship: order 7, paid 4200 cents
thank: order 7 is on its way in parcel-7
order 7: parcel-7
saved: PlaceOrderContext { data: {"card":"Secret(…)","cents":4200,"id":7}, charge: {"cents":4200,"number":"e353ab32"}, ship: "parcel-7" }
refund: order 8 was not charged (step charge stopped the job: nothing to pay)
order 8: step charge stopped the job: nothing to pay
"#;

const CRASH: &str = "
child: job 1 is new
parent: the child was killed while it rode (signal: 9 (SIGKILL))
child: job 1 is there already
child: arrived in Lisbon
the diary, with the step that ran twice and none that was recorded:
book
ride with a ticket to Lisbon
ride with a ticket to Lisbon
rest
";

const CHILD_JOBS: &str = "
invite: attempt 1
invite: attempt 2
mail to ada
mail to grace
mail to barbara
sent: 3
mail jobs: 3
";

on_each_database! {
    async fn hello_runs_once_however_often_it_is_started(database) {
        let place = Place::on(database.url());
        place.check("hello", HELLO);
        place.check("hello", HELLO_AGAIN);
        assert!(place.files().is_empty(), "it has used its file: {:?}", place.files());
    }

    async fn order_retries_stops_and_calls_back(database) {
        let place = Place::on(database.url());
        place.check_in_any_order("order", ORDER);
        assert!(place.files().is_empty(), "it has used its file: {:?}", place.files());
    }

    async fn crash_repeats_the_step_that_ran_and_no_other(database) {
        let place = Place::on(database.url());
        place.check("crash", CRASH);
        // Run again on the same database it is another trip.
        let again = place.printed("crash");
        let jobs = database.client().await.list(&JobFilter::default()).await.unwrap().jobs;
        assert_eq!(again.trim(), CRASH.trim().replace("job 1", &format!("job {}", jobs[0].id)));
        let crashes = |job: &JobInfo| events(job, HistoryEvent::Crashed);
        assert_eq!(jobs.iter().map(crashes).collect::<Vec<_>>(), [1, 1]);
        assert!(place.files().is_empty(), "it has left its folder: {:?}", place.files());
    }

    async fn child_jobs_are_invoked_once_though_the_step_ran_twice(database) {
        Place::on(database.url()).check_in_any_order("child_jobs", CHILD_JOBS);
        let jobs = database.client().await.list(&JobFilter::default()).await.unwrap().jobs;
        assert_eq!(jobs.len(), 4, "one party and three mails");
    }
}

#[test]
fn examples_without_a_url_keep_to_their_own_files_and_memory() {
    let place = Place::without_url();
    place.check("crash", CRASH);
    place.check_in_any_order("child_jobs", CHILD_JOBS);
    assert!(place.files().is_empty(), "they have left {:?}", place.files());
    place.check("hello", HELLO);
    place.check_in_any_order("order", ORDER);
    place.start("two_processes", &["work"]).until("worker: ready");
    place.start("service", &["--listen", "127.0.0.1:0"]).until("listening on ");
    assert_eq!(place.files(), ["hello.db", "order.db", "service.db", "two_processes.db"]);
}

#[test]
fn own_storage_passes_the_suite_and_sees_every_change() {
    let printed = Place::without_url().printed("own_storage");
    assert!(printed.lines().next().is_some_and(|line| line.ends_with("checks passed")), "{printed}");
    assert!(printed.ends_with("job 1: Running, step 1 to 2\njob 1: Succeeded, step 2 to 3\n"), "{printed}");
}

fn events(job: &JobInfo, event: HistoryEvent) -> usize {
    job.history.iter().filter(|entry| entry.event == event).count()
}

/// What `order` prints on its way.
const MILESTONES: [&str; 8] = [
    "order 7 is job",
    "charge: attempt 1",
    "charge: attempt 2",
    "bank: ",
    "ship: order 7",
    "thank: order 7",
    "order 7: parcel-7",
    "order 8: ",
];

on_each_database! {
    async fn order_killed_anywhere_ends_as_if_nothing_had_happened(database) {
        let (place, client) = (Place::on(database.url()), database.client().await);
        // So long after a line it is killed. To start takes some time on a server, so there are fewer of them.
        let delays: &[u64] = if database.kind() == Kind::Sqlite { &[0, 4, 20] } else { &[0] };
        let (rounds, mut kills_inside) = (product(&MILESTONES, delays), 0);
        for &(line, delay) in &rounds {
            let mut killed = place.start("order", &[]);
            killed.until(line);
            std::thread::sleep(Duration::from_millis(delay));
            let before = killed.kill();
            kills_inside += usize::from(!before.contains("order 8: "));
            let after = place.printed("order");
            let told = format!("killed {delay} ms after {line:?}\n--- before\n{before}--- after\n{after}");
            check_order(&client, &before, &after, &told).await;
            // The next one is a new order, in the same tables. The clock that counts is the database's.
            let tomorrow = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
            assert_eq!(client.purge(tomorrow).await.unwrap(), 2, "both orders and their callbacks are over: {told}");
        }
        assert!(2 * kills_inside > rounds.len(), "only {kills_inside} of the kills met a job that had not ended");
    }

    async fn order_killed_while_it_makes_its_tables_is_not_in_the_way_of_the_next(database) {
        let place = Place::on(database.url());
        let (mut wait, mut kills) = (Duration::ZERO, 0);
        // Later and later, until it comes so far as to work.
        loop {
            let mut killed = place.start("order", &[]);
            std::thread::sleep(wait);
            let ended = killed.ended();
            assert!(ended.is_none_or(|status| status.success()), "it does not start after {kills} kills");
            if !killed.kill().is_empty() {
                break;
            }
            kills += 1;
            wait = wait * 5 / 4 + Duration::from_millis(5);
        }
        assert!(kills >= 3, "only {kills} kills met it in its beginnings");
        assert!(place.printed("order").contains("order 7: parcel-7\n"));
    }
}

fn product(lines: &[&'static str], delays: &[u64]) -> Vec<(&'static str, u64)> {
    lines.iter().flat_map(|line| delays.iter().map(|delay| (*line, *delay))).collect()
}

async fn check_order(client: &Client, before: &str, after: &str, told: &str) {
    assert!(after.contains("order 7: parcel-7\n"), "{told}");
    // A step begins only when the one before it is recorded, and then that one never runs again.
    assert!(!(before.contains("ship: order") && after.contains("charge: attempt")), "{told}");
    assert!(!(before.contains("thank: order") && after.contains("ship: order")), "{told}");
    // The failed first attempt was counted before the second one began.
    assert!(!(before.contains("charge: attempt 2") && after.contains("charge: attempt 1")), "{told}");
    assert!(before.contains("thank: order") || after.contains("thank: order"), "{told}");
    let info = client.find("place_order/7").await.unwrap().unwrap().info().await.unwrap();
    assert_eq!((info.status, info.step_number, info.is_held), (Status::Succeeded, 3, false), "{told}");
    let recorded =
        |step| info.history.iter().filter(|entry| entry.event == HistoryEvent::Recorded && entry.step == step).count();
    assert_eq!((recorded("charge"), recorded("ship")), (1, 1), "{told}");
    assert_eq!(events(&info, HistoryEvent::Failed), 1, "a failure costs exactly one attempt, a crash none: {told}");
}

#[test]
fn two_processes_says_how_to_use_it() {
    for args in [&[] as &[&str], &["sleep"]] {
        let output = Place::without_url().command("two_processes", args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
        assert_eq!(said, "usage: two_processes work [URL], and elsewhere: two_processes invoke [URL]\n");
    }
}

const PEOPLE: [&str; 3] = ["Ada", "Grace", "Barbara"];

/// What the invoker prints before and after it waits.
const SAVED: &str = "\
invoker: the parcel to Ada is saved
invoker: the parcel to Grace is saved
invoker: the parcel to Barbara is saved
";
const LABELS: &str = "\
invoker: 150 cents to Ada
invoker: 250 cents to Grace
invoker: 350 cents to Barbara
";

/// What workers print of the parcels to these people, sorted.
fn handled(people: &[&str]) -> Vec<String> {
    let verbs = ["weighs", "stamps"];
    let line = |person| verbs.map(|verb| format!("worker: {verb} the parcel to {person}"));
    let mut lines: Vec<String> = people.iter().flat_map(line).collect();
    lines.sort();
    lines
}

/// The lines about parcels of what workers printed, sorted.
fn parcels(printed: &str) -> Vec<&str> {
    sorted(printed).into_iter().filter(|line| line.contains("parcel")).collect()
}

/// To whom the parcel goes that a line is about.
fn person(line: &str) -> &str {
    line.rsplit(' ').next().expect("a line is not empty")
}

on_each_database! {
    async fn invoker_gets_its_results_from_a_worker_that_waits(database) {
        let place = Place::on(database.url());
        let mut worker = place.start("two_processes", &["work"]);
        worker.until("worker: ready");
        let invoker = place.start("two_processes", &["invoke"]);
        assert_eq!(invoker.end_well(), format!("{SAVED}{LABELS}"));
        assert_eq!(parcels(&worker.kill()), handled(&PEOPLE));
    }

    async fn invoker_waits_until_a_worker_comes(database) {
        let place = Place::on(database.url());
        let mut invoker = place.start("two_processes", &["invoke"]);
        invoker.until("invoker: the parcel to Barbara is saved");
        let worker = place.start("two_processes", &["work"]);
        assert_eq!(invoker.end_well(), format!("{SAVED}{LABELS}"));
        assert_eq!(parcels(&worker.kill()), handled(&PEOPLE));
    }

    async fn processes_that_start_at_once_on_an_empty_database_all_come_up(database) {
        let place = Place::on(database.url());
        let mut invokers: Vec<Running> = (0..12).map(|_| place.start("two_processes", &["invoke"])).collect();
        for invoker in &mut invokers {
            invoker.until("invoker: the parcel to Barbara is saved");
        }
        let jobs = database.client().await.list(&JobFilter::default()).await.unwrap().jobs;
        assert_eq!(jobs.len(), 3 * invokers.len());
    }

    async fn invoker_gets_its_results_though_the_worker_is_killed(database) {
        let place = Place::on(database.url());
        let named = || {
            let mut command = place.command("two_processes", &["work"]);
            command.env("VTASK_HOST", "one");
            Running::new(command)
        };
        let invoker = place.start("two_processes", &["invoke"]);
        let mut first = named();
        first.until("worker: stamps");
        let before = first.kill();
        let second = named();
        assert_eq!(invoker.end_well(), format!("{SAVED}{LABELS}"));
        let after = second.kill();
        let mut expected = handled(&PEOPLE);
        expected.extend(before.lines().last().map(str::to_owned));
        expected.sort();
        assert_eq!(parcels(&format!("{before}{after}")), expected, "the step that was killed ran again, and no other");
    }
}

#[cfg(unix)]
on_each_database! {
    async fn worker_told_to_end_saves_its_step_and_another_goes_on(database) {
        let place = Place::on(database.url());
        let mut first = place.start("two_processes", &["work"]);
        first.until("worker: ready");
        // When these are there, the worker has long been listening for signals.
        let invoker = place.start("two_processes", &["invoke"]);
        first.until("worker: weighs");
        first.signal("TERM");
        let before = first.end_well();
        assert!(before.ends_with("\nworker: ended\n"), "{before}");
        let second = place.start("two_processes", &["work"]);
        assert_eq!(invoker.end_well(), format!("{SAVED}{LABELS}"));
        let after = second.kill();
        assert!(!parcels(&after).is_empty(), "the first one has done it all:\n{before}");
        assert_eq!(parcels(&format!("{before}{after}")), handled(&PEOPLE), "no step ran twice");
    }

    async fn second_worker_takes_what_the_first_has_no_time_for(database) {
        let place = Place::on(database.url());
        let invoker = place.start("two_processes", &["invoke"]);
        let mut first = place.start("two_processes", &["work"]);
        let weighed = first.until("worker: weighs");
        // It stands still, as in a long pause of its machine, and holds one job; on a file not in the middle of a write, which
        // would keep all others from it.
        let raw = database.raw().await;
        loop {
            first.signal("STOP");
            if raw.0.execute_unprepared("UPDATE task SET input = input WHERE id = 0").await.is_ok() {
                break;
            }
            first.signal("CONT");
        }
        let others: Vec<&str> = PEOPLE.into_iter().filter(|other| *other != person(&weighed)).collect();
        let mut second = place.start("two_processes", &["work"]);
        others.iter().for_each(|_| drop(second.until("worker: stamps")));
        first.signal("CONT");
        assert_eq!(invoker.end_well(), format!("{SAVED}{LABELS}"));
        assert_eq!(parcels(&first.kill()), handled(&[person(&weighed)]));
        assert_eq!(parcels(&second.kill()), handled(&others), "what the first one holds is not the second one's");
    }
}

/// The quickest form of the benchmark.
const BENCH: [&str; 14] = [
    "--seconds",
    "0.05",
    "--rounds",
    "1",
    "--runs",
    "2",
    "--jobs",
    "40",
    "--in-flight",
    "4,16",
    "--concurrency",
    "16",
    "--backlog",
    "200",
];

/// What its tables are made of, in order.
const FIGURES: [&str; 27] = [
    "  throughput: ",
    "    bare, 16 rows a commit ",
    "    3 steps, 4 in flight ",
    "    3 steps, 16 in flight ",
    "      by invoke_many ",
    "      and waited for ",
    "  queue: ",
    "    1 step, 16 at a time ",
    "  latency: ",
    "    bare commit of a row ",
    "    bare: eleven in sequence ",
    "    invoke to first step ",
    "    a job of 10 steps, waited for ",
    "  processes: ",
    "    invoke to first step ",
    "    invoke to last of 3 steps ",
    "  memory: ",
    "    a job that runs ",
    "    a job that waits ",
    "  idle: ",
    "  backlog: 200 due, 200 delayed and 2000 finished rows",
    "    3 steps, from the backlog ",
    "    memory meanwhile, in addition ",
    "memory",
    "  framework: ",
    "    3 steps, a second of CPU ",
    "    10 steps, a second of CPU ",
];

/// Checks that every figure is there, and answers the line that names the database on which it was measured.
#[track_caller]
fn check_figures(printed: &str) -> &str {
    let mut lines = printed.lines();
    for figure in FIGURES {
        assert!(lines.any(|line| line.starts_with(figure)), "{figure:?} is not there, or not in its place:\n{printed}");
    }
    printed.lines().find(|line| line.contains("://")).expect("it says where it measures")
}

/// Checks that the database of this line is no more.
async fn check_gone(database: &TestDatabase, line: &str) {
    if database.kind() == Kind::Sqlite {
        let file = database.url().trim_start_matches("sqlite://");
        return assert!(line == database.url() && !Path::new(file).exists(), "{line} is left");
    }
    let name = line.rsplit('/').next().expect("a URL has slashes");
    assert!(name.starts_with("vtask_bench_"), "it has measured on {line}");
    let catalog = match database.kind() {
        Kind::MySql => "information_schema.schemata WHERE schema_name",
        _ => "pg_database WHERE datname",
    };
    let left = admin(database.kind()).await.number(&format!("SELECT count(*) FROM {catalog} = '{name}'")).await;
    assert_eq!(left, 0, "{line} is left");
}

/// How many tables a user has in the database.
async fn tables(database: &TestDatabase) -> i64 {
    let catalog = match database.kind() {
        Kind::Sqlite => "sqlite_schema",
        Kind::MySql => "information_schema.tables WHERE table_schema = database()",
        Kind::Postgres => "pg_tables WHERE schemaname = 'public'",
    };
    database.raw().await.number(&format!("SELECT count(*) FROM {catalog}")).await
}

/// What the benchmark says when it does not measure.
#[track_caller]
fn refused(place: &Place, args: &[&str]) -> String {
    let output = place.command("bench", args).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    said
}

on_each_database! {
    async fn bench_measures_and_leaves_nothing(database) {
        let place = Place::on(database.url());
        let printed = place.start("bench", &[&BENCH[..], &["--create"]].concat()).end_well();
        check_gone(&database, check_figures(&printed)).await;
        assert!(place.files().is_empty(), "it has left {:?}", place.files());
    }
}

on_each_server! {
    async fn bench_measures_on_an_empty_database_and_leaves_it_empty(database) {
        let (url, name) = (database.user().await, database.name());
        let right = match database.kind() {
            Kind::MySql => format!("GRANT ALL ON {name}.* TO {name}"),
            _ => format!("ALTER DATABASE {name} OWNER TO {name}"),
        };
        admin(database.kind()).await.execute(&right).await;
        let place = Place::on(&url);
        let said = refused(&place, &[&BENCH[..], &["--create"]].concat());
        assert!(said.contains("name an empty one without --create"), "{said}");
        let printed = place.start("bench", &[&BENCH[..], &["--only", "queue,latency"]].concat()).end_well();
        let line = printed.lines().find(|line| line.contains("://")).expect("it says where it measures");
        assert!(line.ends_with(name) && printed.contains("a job of 10 steps"), "{printed}");
        assert_eq!(tables(&database).await, 0, "it has left tables");
    }

    async fn bench_leaves_a_database_alone_that_is_not_empty(database) {
        let raw = database.raw().await;
        raw.execute("CREATE TABLE precious (id INT)").await;
        let said = refused(&Place::on(database.url()), &BENCH);
        assert!(said.contains("it holds 1 tables: name an empty database, or give --create"), "{said}");
        assert!(!said.contains(crate::database::PASSWORD), "{said}");
        assert_eq!(tables(&database).await, 1);
        let said = refused(&Place::on(&database.kind().server()), &BENCH);
        assert!(said.contains("it names no database: name an empty one, or give --create"), "{said}");
    }
}

#[cfg(unix)]
on_each_database! {
    async fn bench_told_to_end_leaves_nothing(database) {
        let place = Place::on(database.url());
        for args in [["--seconds", "600", "--in-flight", "1"], ["--seconds", "600", "--only", "processes"]] {
            let mut bench = place.start("bench", &[&args[..], &["--create"]].concat());
            let scheme = database.url().split_inclusive("://").next().expect("a URL has a scheme");
            let line = bench.until(scheme);
            std::thread::sleep(Duration::from_millis(200));
            bench.signal("TERM");
            let (status, printed) = bench.end();
            assert_eq!(status.code(), Some(1), "{printed}");
            check_gone(&database, &line).await;
            assert!(place.files().is_empty(), "it has left {:?}", place.files());
        }
    }
}

/// The processes that run in this folder.
#[cfg(target_os = "linux")]
fn processes(place: &Place) -> usize {
    let cwd = place.cwd.path().canonicalize().unwrap();
    let processes = Path::new("/proc").read_dir().unwrap().flatten();
    processes.filter(|process| process.path().join("cwd").read_link().is_ok_and(|link| link == cwd)).count()
}

#[cfg(target_os = "linux")]
#[test]
fn bench_that_is_killed_takes_its_worker_along() {
    let place = Place::on("sqlite://bench.db");
    let bench = place.start("bench", &["--only", "processes", "--seconds", "600"]);
    let wait_for = |count| {
        let mut looks = 0..1000;
        while processes(&place) != count {
            assert!(looks.next().is_some(), "there are {} processes and not {count}", processes(&place));
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    wait_for(2);
    bench.kill();
    wait_for(0);
}

#[test]
fn bench_without_a_url_prints_one_json_object_with_each_section() {
    let place = Place::without_url();
    let printed =
        place.start("bench", &[&BENCH[..], &["--json", "--steps", "2", "--payload", "500"]].concat()).end_well();
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let sections = &json["databases"][0]["sections"];
    for section in ["throughput", "queue", "latency", "processes", "memory", "idle", "backlog"] {
        let figure = &sections[section][0];
        assert!(figure["median"].as_f64().is_some() && figure["label"].is_string(), "{section} is not in {json:#}");
    }
    let figure = &sections["throughput"][1];
    assert_eq!(figure["label"], "2 steps, 4 in flight");
    assert!(figure["limit"]["median"].as_f64() > Some(0.0) && figure["ratio"]["least"].is_number(), "{figure:#}");
    let framework = &json["databases"][1]["sections"]["framework"];
    assert_eq!(framework[0]["budget"]["text"], "≥ 500 000", "{json:#}");
    assert_eq!((&json["options"]["payload"], &json["options"]["seconds"]), (&500.into(), &0.05.into()));
    assert!(place.files().is_empty(), "it has left {:?}", place.files());
}

#[test]
fn bench_names_a_value_that_cannot_be() {
    let place = Place::without_url();
    let check = |args: &[&str], expected: &str| {
        let said = refused(&place, args);
        assert!(said.contains(expected), "{args:?}: {said}");
    };
    check(&["--steps", "11"], "--steps is \"11\": give a number from 1 to 10");
    check(&["--jobs", "many"], "--jobs is \"many\": give a number from 1 to 10000000");
    check(&["--seconds", "0"], "--seconds is \"0\": give a number from 0.01 to 3600");
    check(&["--in-flight", "64,0"], "--in-flight is \"0\": give a number from 1 to 100000");
    check(&["--only", "speed"], "--only is \"speed\": give some of throughput, queue, latency");
    check(&["--only", "backlog"], "--backlog is 0: say how many rows");
    check(&["--fast"], "--fast is no option: --help names them all");
    check(&["--rounds"], "missing argument for option '--rounds'");
    check(&["oracle://host/db"], "\"oracle\" is no database: give a URL that begins with sqlite, postgres or mysql");
    let help = place.start("bench", &["--help"]).end_well();
    assert!(help.contains("--database URL") && !help.contains("--worker"), "{help}");
}

#[test]
fn bench_leaves_a_file_alone_that_is_not_empty() {
    let place = Place::without_url();
    let file = place.cwd.path().join("precious.db");
    std::fs::write(&file, "precious").unwrap();
    let said = refused(&place, &["--seconds", "0.01", "--database", "sqlite://precious.db"]);
    assert!(said.contains("precious.db is there and not empty"), "{said}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
}
