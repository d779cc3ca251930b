//! A storage under comparison, and what it says in words that do not depend on it.

use std::collections::BTreeMap;

use vtask::storage::JobStorage;
use vtask::storage::value::{
    Beat, Boot, Change, Claim, FormerNode, Hash, JobId, JobRow, JobSummary, JobWrite, LivingNode, Timestamp, Wanted,
};

use super::KEYS;
use super::call::{Call, Case, Write};

/// Half an hour: what is due is so within a moment, or in an hour.
const LATER: i64 = 1_800_000_000;

pub(super) struct Subject<'a> {
    storage: &'a dyn JobStorage,
    case: &'a Case,
    ids: BTreeMap<usize, JobId>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(storage: &'a dyn JobStorage, case: &'a Case) -> Self {
        Self { storage, case, ids: BTreeMap::new() }
    }

    /// The number of the keyword of a row.
    fn key(&self, id: JobId) -> usize {
        self.ids.iter().find(|(_, known)| **known == id).map_or(usize::MAX, |(key, _)| *key)
    }

    /// What it answers to a call.
    pub(super) async fn answer(&mut self, call: &Call) -> String {
        let storage = self.storage;
        match call {
            Call::Insert(jobs) => {
                let inserted = storage.insert(jobs).await.expect("an insert");
                for (job, inserted) in jobs.iter().zip(&inserted) {
                    let key = (0..KEYS).find(|key| self.case.keyword(*key) == job.keyword).expect("a known keyword");
                    self.ids.insert(key, inserted.id);
                }
                let told = inserted.iter().map(|job| (self.key(job.id), job.created, &job.name, job.input_hash));
                format!("{:?}", told.collect::<Vec<_>>())
            }
            Call::Claim(owner, claims) => {
                let claim = |(key, seen, lease): &_| Claim { id: self.ids[key], seen: *seen, lease: *lease };
                let claims: Vec<Claim> = claims.iter().map(claim).collect();
                let claimed = storage.claim(owner, &claims).await.expect("a claim");
                let told = claimed
                    .into_iter()
                    .map(|claimed| (self.key(claimed.id), self.told(claimed.row.expect("it reads"))));
                format!("{:?}", told.collect::<BTreeMap<_, _>>())
            }
            Call::Write(writes) => {
                let writes: Vec<JobWrite> = writes.iter().map(|write| self.write(write)).collect();
                format!("{:?}", storage.write(&writes.iter().collect::<Vec<_>>()).await.expect("a write"))
            }
            Call::Request(key, named, request) => {
                let keyword = Hash::of(&self.case.keyword(*named));
                format!("{:?}", storage.request(self.ids[key], &keyword, *request).await.expect("a request"))
            }
            Call::PauseUnreadable(key, seen, lease) => {
                format!(
                    "{:?}",
                    storage.pause_unreadable(self.ids[key], *seen, *lease, "unreadable").await.expect("a pause")
                )
            }
            Call::Join(node) => format!("{:?}", sorted(storage.join(node).await.expect("a join"))),
            Call::Beat(boot, number) => {
                let beat = Beat { boot: *boot, number: *number, running: 0 };
                format!("{:?}", storage.beat(&beat).await.expect("a beat"))
            }
            Call::DeclareDead(node) => format!("{:?}", storage.declare_dead(&[*node]).await.expect("a verdict")),
            Call::Enter(boot, state) => format!("{:?}", storage.enter(*boot, *state).await.expect("a state")),
            Call::Forget(boot) => format!("{:?}", storage.forget(&[*boot]).await.expect("a leave")),
        }
    }

    fn write(&self, write: &Write) -> JobWrite {
        let Write { key, guard, lease, request, change, state, due, text, outputs } = write.clone();
        let is_small = change == Change::Step;
        JobWrite {
            id: self.ids[&key],
            guard,
            lease,
            request,
            change,
            state,
            due,
            error: text.clone(),
            progress: text,
            input: None,
            history: outputs.clone().or(is_small.then(|| "[]".to_owned())),
            outputs,
            generations: None,
        }
    }

    /// All that is there.
    pub(super) async fn state(&self) -> Vec<String> {
        let (storage, boots) = (self.storage, self.case.boots());
        let mut told = Vec::new();
        for (key, id) in &self.ids {
            let found = storage.find(&Hash::of(&self.case.keyword(*key))).await.expect("a look");
            assert_eq!(found.map(|row| row.id), Some(*id), "a keyword is one row");
            let row = storage.row(*id).await.expect("a look").expect("nothing is deleted");
            told.push(format!("{key}: {}", self.told(row)));
        }
        let held = storage.held(&boots, JobId(i64::MIN), 100).await.expect("a look");
        told.extend(
            held.iter()
                .map(|held| format!("held {} {:?} {} {:?}", self.key(held.id), held.lease, held.is_due, held.request)),
        );
        let wanted = Wanted { name: self.case.name(), limit: 100, most_crashes: 9, after: None };
        let due = storage.due(&[wanted], true).await.expect("a look");
        let mut candidates: Vec<String> = due
            .candidates
            .iter()
            .map(|found| {
                format!(
                    "due {} {:?} {} {} {:?} {}",
                    self.key(found.id),
                    found.lease,
                    found.bytes,
                    found.crashes,
                    found.step,
                    found.plan
                )
            })
            .collect();
        candidates.sort();
        told.extend(candidates);
        let nodes = due.nodes.expect("they were asked for");
        let ours = |boot: &Boot| boots.contains(boot);
        told.extend(nodes.living.iter().filter(|node| ours(&node.boot)).map(|node: &LivingNode| format!("{node:?}")));
        let orphaning: Vec<FormerNode> = nodes.orphaning.into_iter().filter(|node| ours(&node.boot)).collect();
        told.push(format!("{:?}", sorted(orphaning)));
        told
    }

    /// The rows by the numbers of their keywords.
    pub(super) async fn summaries(&self) -> BTreeMap<usize, JobSummary> {
        let ids: Vec<JobId> = self.ids.values().copied().collect();
        let rows = self.storage.summaries(&ids).await.expect("a look");
        rows.into_iter().map(|row| row.expect("it reads")).map(|row| (self.key(row.id), row)).collect()
    }

    /// A row without its id and times.
    fn told(&self, mut row: JobRow) -> String {
        let summary = &mut row.summary;
        let is_later = summary.wake_at.0 - summary.created.0 > LATER;
        (summary.id, summary.created, summary.updated, summary.wake_at) =
            (JobId(0), Timestamp(0), Timestamp(0), Timestamp(i64::from(is_later)));
        format!("{row:?}")
    }
}

fn sorted(mut nodes: Vec<FormerNode>) -> Vec<FormerNode> {
    nodes.sort_by_key(|node| node.boot);
    nodes
}
