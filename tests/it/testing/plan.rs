//! Plans: what is told of a job that has changed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use vtask::testing::plan::{Described, check, of, write};
use vtask::{JobContext, job};

use super::panic_of;

#[derive(Serialize, Deserialize, JobContext)]
struct Order {
    id: u64,
    lines: Vec<String>,
}

/// The job as it was, and as later versions have it.
macro_rules! version {
    ($version:ident, $data:ty, { $($body:tt)* }) => { version!($version, $data, "place_order", { $($body)* }); };
    ($version:ident, $data:ty, $name:literal, { $($body:tt)* }) => {
        mod $version {
            #[allow(unused_imports, reason = "not every version has the first one's data")]
            use super::*;

            pub(super) struct PlaceOrder;

            #[job(name = $name)]
            impl PlaceOrder { $($body)* }

            pub(super) fn plan() -> Described {
                of::<PlaceOrder>()
            }
        }
    };
}

version!(first, Order, {
    #[step]
    async fn charge(&self, _order: &Order) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn ship(&self, charge: &u64) -> anyhow::Result<String> {
        Ok(charge.to_string())
    }

    #[on_success]
    async fn thank(&self, ship: &String) -> anyhow::Result<()> {
        drop(ship.clone());
        Ok(())
    }
});
version!(renamed_with_was, Order, {
    #[step(was = "charge")]
    async fn pay(&self, _order: &Order) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn ship(&self, pay: &u64) -> anyhow::Result<String> {
        Ok(pay.to_string())
    }

    #[on_success]
    async fn thank(&self, ship: &String) -> anyhow::Result<()> {
        drop(ship.clone());
        Ok(())
    }
});
version!(renamed, Order, {
    #[step]
    async fn pay(&self, _order: &Order) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn ship(&self) -> anyhow::Result<String> {
        Ok(String::new())
    }

    #[on_success]
    async fn thank(&self, ship: &String) -> anyhow::Result<()> {
        drop(ship.clone());
        Ok(())
    }
});
version!(removed, Order, {
    #[step]
    async fn charge(&self, _order: &Order) -> anyhow::Result<u64> {
        Ok(1)
    }
});
version!(inserted, Order, {
    #[step]
    async fn charge(&self, _order: &Order) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn pack(&self) -> anyhow::Result<u8> {
        Ok(2)
    }

    #[step]
    async fn ship(&self, charge: &u64, pack: &u8) -> anyhow::Result<String> {
        Ok(format!("{charge}{pack}"))
    }

    #[on_success]
    async fn thank(&self, ship: &String) -> anyhow::Result<()> {
        drop(ship.clone());
        Ok(())
    }
});
version!(swapped, Order, {
    #[step]
    async fn ship(&self, _order: &Order) -> anyhow::Result<String> {
        Ok(String::new())
    }

    #[step]
    async fn charge(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[on_success]
    async fn thank(&self, ship: &String) -> anyhow::Result<()> {
        drop(ship.clone());
        Ok(())
    }
});
version!(other_output, Order, {
    #[step]
    async fn charge(&self, _order: &Order) -> anyhow::Result<Vec<u64>> {
        Ok(vec![1])
    }

    #[step]
    async fn ship(&self, charge: &Vec<u64>) -> anyhow::Result<String> {
        Ok(format!("{charge:?}"))
    }

    #[on_success]
    async fn thank(&self, ship: &String) -> anyhow::Result<()> {
        drop(ship.clone());
        Ok(())
    }
});
version!(other_name, Order, "buy", {
    #[step]
    async fn charge(&self, _order: &Order) -> anyhow::Result<u64> {
        Ok(1)
    }
});

mod more_data {
    use super::{Deserialize, JobContext, Serialize};

    #[derive(Serialize, Deserialize, JobContext)]
    pub(super) struct Needed {
        pub(super) id: u64,
        pub(super) lines: Vec<String>,
        pub(super) currency: String,
    }

    #[derive(Serialize, Deserialize, JobContext)]
    pub(super) struct Defaulted {
        pub(super) id: u64,
        pub(super) lines: Vec<String>,
        #[serde(default)]
        pub(super) currency: String,
    }
}

use more_data::{Defaulted, Needed};

version!(needs_field, Needed, {
    #[step]
    async fn charge(&self, order: &Needed) -> anyhow::Result<u64> {
        Ok(order.id)
    }

    #[step]
    async fn ship(&self, charge: &u64) -> anyhow::Result<String> {
        Ok(charge.to_string())
    }

    #[on_success]
    async fn thank(&self, ship: &String) -> anyhow::Result<()> {
        drop(ship.clone());
        Ok(())
    }
});
version!(has_default, Defaulted, {
    #[step]
    async fn charge(&self, order: &Defaulted) -> anyhow::Result<u64> {
        Ok(order.id)
    }

    #[step]
    async fn ship(&self, charge: &u64) -> anyhow::Result<String> {
        Ok(charge.to_string())
    }

    #[on_success]
    async fn thank(&self, ship: &String) -> anyhow::Result<()> {
        drop(ship.clone());
        Ok(())
    }
});

/// Two versions of a job that has nothing but data.
macro_rules! data {
    ($old:ident, $new:ident, { $($before:item)* }, { $($after:item)* }) => {
        data!($old, { $($before)* });
        data!($new, { $($after)* });
    };
    ($version:ident, { $($item:item)* }) => {
        mod $version {
            use super::{Deserialize, JobContext, Serialize, job};

            $(#[derive(Serialize, Deserialize)] $item)*

            impl Data {
                fn is_there(&self) -> bool {
                    let _ = serde_json::to_string(self);
                    true
                }
            }

            pub(super) struct Keep;

            #[job]
            impl Keep {
                #[step]
                async fn keep(&self, data: &Data) -> anyhow::Result<bool> {
                    Ok(data.is_there())
                }
            }
        }
    };
}

data!(
    three_kinds,
    two_kinds,
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            kind: Kind,
            note: Option<String>,
        }
        pub(super) enum Kind {
            A,
            B(u8),
            C { z: u8 },
        }
    },
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            kind: Kind,
            note: Option<String>,
        }
        pub(super) enum Kind {
            A,
            C { z: u8 },
        }
    }
);
data!(
    optional,
    needed,
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            note: Option<String>,
        }
    },
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            note: String,
        }
    }
);
data!(
    wide,
    narrow,
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            count: u64,
        }
    },
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            count: u8,
        }
    }
);
data!(
    wide_part,
    narrow_part,
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            part: Part,
        }
        pub(super) struct Part {
            a: u32,
        }
    },
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            part: Part,
        }
        pub(super) struct Part {
            a: u8,
        }
    }
);
data!(
    by_id,
    by_name,
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            #[context(keyword)]
            id: u64,
            name: String,
        }
    },
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            id: u64,
            #[context(keyword)]
            name: String,
        }
    }
);
data!(
    small_part,
    large_part,
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            part: Part,
        }
        pub(super) struct Part {
            a: u8,
        }
    },
    {
        #[derive(JobContext)]
        pub(super) struct Data {
            part: Part,
        }
        pub(super) struct Part {
            a: u8,
            #[serde(default)]
            b: u8,
        }
    }
);

/// Says what is told where a program has `now` in the place of `before`.
#[track_caller]
fn told_of(before: &Described, now: Described) -> String {
    let committed = Committed::of(before);
    panic_of(|| check(&committed.path, &[now]))
}

/// The committed file of the first version.
struct Committed {
    _folder: TempDir,
    path: PathBuf,
}

impl Committed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.plan");
        let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/it/testing/jobs.plan");
        std::fs::copy(committed, &path).expect("VTASK_UPDATE_PLANS=1 makes it");
        Self { _folder: folder, path }
    }

    /// The file of another job.
    fn of(job: &Described) -> Self {
        let committed = Self::new();
        write(&committed.path, std::slice::from_ref(job));
        committed
    }
}

/// Says what is told of this version, which all of these texts are in.
#[track_caller]
fn tells(plan: Described, texts: &[&str]) -> String {
    let told = panic_of(|| check(&Committed::new().path, &[plan]));
    for text in texts {
        assert!(told.contains(text), "{text:?} is not in:\n{told}");
    }
    told
}

#[test]
fn jobs_that_are_as_committed_pass() {
    vtask::testing::assert_plan!("it/testing/jobs.plan", first::PlaceOrder);
    check(Committed::new().path, &[first::plan()]);
}

#[test]
fn renamed_step_needs_its_former_name() {
    let told = tells(
        renamed::plan(),
        &[
            "needs `was`: job place_order, step charge: it is gone, and pay is new in its place",
            r#"`#[step(was = "charge")]`"#,
        ],
    );
    assert!(!told.contains("step pay: it is new"), "{told}");
    assert!(told.contains("VTASK_UPDATE_PLANS=anyway"), "{told}");
    let told = tells(renamed_with_was::plan(), &["safe: job place_order, step pay: it was called charge"]);
    assert!(told.contains("Jobs that are under way go on. VTASK_UPDATE_PLANS=1 cargo test"), "{told}");
}

#[test]
fn removed_step_strands_those_that_are_at_it() {
    tells(
        removed::plan(),
        &[
            "strands jobs: job place_order, step ship: it is gone",
            "strands jobs: job place_order, on_success: it is gone",
        ],
    );
}

#[test]
fn output_of_a_new_step_is_missing_where_jobs_have_passed_it() {
    tells(
        inserted::plan(),
        &[
            "safe: job place_order, step pack: it is new",
            "strands jobs: job place_order, step ship: it takes the output of pack, which jobs that are at it do not have",
        ],
    );
}

#[test]
fn steps_may_change_places() {
    let told = tells(swapped::plan(), &["safe: job place_order: its steps have changed places"]);
    assert!(!told.contains("strands"), "{told}");
}

#[test]
fn data_and_outputs_have_to_decode() {
    tells(
        needs_field::plan(),
        &[
            "would not decode: job place_order: ",
            "missing field `currency`",
            "would not decode: job place_order, data: +`currency: String`",
        ],
    );
    tells(has_default::plan(), &["safe: job place_order, data: +`currency: String`"]);
    tells(
        other_output::plan(),
        &[
            "would not decode: job place_order, step charge: it returned anyhow::Result<u64>, and returns anyhow::Result<Vec<u64>>",
        ],
    );
}

#[test]
fn each_variant_and_what_is_optional_has_a_sample() {
    let told = told_of(&of::<three_kinds::Keep>(), of::<two_kinds::Keep>());
    assert!(told.contains("would not decode: job keep: ") && told.contains("unknown variant `B`"), "{told}");
    let told = told_of(&of::<optional::Keep>(), of::<needed::Keep>());
    assert!(told.contains("invalid type: null, expected a string"), "{told}");
}

#[test]
fn narrower_type_is_not_called_safe() {
    let told = told_of(&of::<wide::Keep>(), of::<narrow::Keep>());
    assert!(told.contains("would not decode: job keep, data: -`count: u64` +`count: u8`"), "{told}");
    let told = told_of(&of::<narrow::Keep>(), of::<wide::Keep>());
    assert!(told.contains("not tried: job keep, data: -`count: u8` +`count: u64`"), "{told}");
    let told = told_of(&of::<wide_part::Keep>(), of::<narrow_part::Keep>());
    assert!(told.contains("would not decode: job keep: ") && told.contains("`4294967295`, expected u8"), "{told}");
}

#[test]
fn other_keyword_makes_a_second_job() {
    let told = told_of(&of::<by_id::Keep>(), of::<by_name::Keep>());
    assert!(told.contains("strands jobs: job keep, data: its keyword is made of other fields"), "{told}");
}

#[test]
fn change_of_a_part_is_told_too() {
    let told = told_of(&of::<small_part::Keep>(), of::<large_part::Keep>());
    assert!(told.contains("safe: samples: ") && told.contains("go on"), "{told}");
}

#[test]
fn job_that_is_gone_is_missed() {
    tells(
        other_name::plan(),
        &["strands jobs: job place_order: it is gone", r#"`#[job(was = "place_order")]`"#, "safe: job buy: it is new"],
    );
}

#[test]
fn missing_and_broken_files_are_told() {
    let committed = Committed::new();
    std::fs::write(&committed.path, "{").unwrap();
    let told = panic_of(|| check(&committed.path, &[first::plan()]));
    assert!(told.contains("jobs.plan") && told.contains("EOF"), "{told}");
    std::fs::remove_file(&committed.path).unwrap();
    let told = panic_of(|| check(&committed.path, &[first::plan()]));
    assert!(told.contains("there is no plan") && told.contains("VTASK_UPDATE_PLANS=1 cargo test writes it"), "{told}");
}
