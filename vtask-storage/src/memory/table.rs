//! The table of jobs, with the indexes that a database would keep.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Included, Unbounded};

use crate::mutant::is_mutant;
use crate::value::{
    Boot, Callback, Candidate, Change, Claim, Claimed, DueJobs, Hash, Held, Inserted, JobId, JobRow, JobState,
    JobSummary, JobWrite, Lease, ListFilter, NewJob, Owner, Purge, Purged, Reason, Request, RequestGuard, Status,
    Timestamp, Wanted, Written,
};

/// All rows, by id, by keyword, and, where nobody holds outstanding work, by name and due time.
#[derive(Clone, Default)]
pub(super) struct Table {
    rows: BTreeMap<JobId, JobRow>,
    keywords: HashMap<Hash, JobId>,
    indexes: Indexes,
    last_id: i64,
}

#[derive(Clone, Default)]
struct Indexes {
    /// Every row with work of nobody, and no other.
    waiting: BTreeMap<String, BTreeSet<(Timestamp, JobId)>>,
    /// Every row with work that somebody holds, and no other.
    held: BTreeSet<(Boot, JobId)>,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, id: JobId) -> Option<&JobRow> {
        self.rows.get(&id)
    }

    pub(super) fn by_keyword(&self, keyword: &Hash) -> Option<&JobRow> {
        self.rows.get(self.keywords.get(keyword)?)
    }

    pub(super) fn list(&self, filter: &ListFilter) -> impl Iterator<Item = &JobRow> {
        let ids = ..filter.before.unwrap_or(JobId(i64::MAX));
        let shown = move |row: &&JobRow| {
            filter.name.as_ref().is_none_or(|name| *name == row.summary.name)
                && filter.status.is_none_or(|status| status == row.summary.state.status)
                && filter.reason.is_none_or(|reason| reason == row.summary.state.reason)
        };
        self.rows.range(ids).rev().map(|(_, row)| row).filter(shown).take(filter.limit as usize)
    }

    pub(super) fn due(&self, wanted: &[Wanted], now: Timestamp) -> DueJobs {
        let mut due = DueJobs::default();
        for Wanted { name, limit, most_crashes, after } in wanted {
            let Some(waiting) = self.indexes.waiting.get(name) else { continue };
            let ripe = waiting.range((after.map_or(Unbounded, Excluded), Unbounded));
            let ripe = ripe.take_while(|(wake_at, _)| *wake_at <= now).filter_map(|(_, id)| self.get(*id));
            let ripe = ripe.filter(|row| row.summary.state.crashes <= *most_crashes);
            due.candidates.extend(ripe.take(*limit).map(candidate));
            let next = waiting.range((Timestamp(now.0 + 1), JobId(i64::MIN))..).next();
            let next_in = next.map(|(wake_at, _)| wake_at.since(now));
            due.next_in = [due.next_in, next_in].into_iter().flatten().min();
        }
        due
    }

    /// The names of which there is work of nobody, and when the oldest is due.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.indexes.waiting.iter().filter_map(|(name, waiting)| Some((name.as_str(), waiting.first()?.0)))
    }

    /// Why jobs are paused, of each paused one, the newest first.
    pub(super) fn paused(&self) -> impl Iterator<Item = Reason> {
        let states = self.rows.values().rev().map(|row| &row.summary.state);
        states.filter(|state| state.status == Status::Paused).map(|state| state.reason)
    }

    /// Who holds rows with work, each once.
    pub(super) fn owners(&self) -> impl Iterator<Item = Boot> {
        let mut last = None;
        self.indexes.held.iter().map(|(boot, _)| *boot).filter(move |boot| last.replace(*boot) != Some(*boot))
    }

    pub(super) fn held(&self, boots: &[Boot], after: JobId, limit: u32, now: Timestamp) -> Vec<Held> {
        let of_boot =
            |boot: &Boot| self.indexes.held.range((Excluded((*boot, after)), Included((*boot, JobId(i64::MAX)))));
        let mut ids: Vec<JobId> = boots.iter().flat_map(of_boot).map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(limit as usize);
        ids.iter().filter_map(|id| self.get(*id)).map(|row| held(&row.summary, now)).collect()
    }

    pub(super) fn insert(&mut self, job: &NewJob, now: Timestamp) -> Inserted {
        let keyword = Hash::of(&job.keyword);
        let id = match self.keywords.get(&keyword) {
            Some(id) if is_mutant("upsert") => {
                let id = *id;
                self.delete(id);
                self.keywords.insert(keyword, id);
                self.put(job.row(id, now));
                id
            }
            Some(id) => *id,
            None => self.add(keyword, job, now),
        };
        let summary = &self.rows[&id].summary;
        Inserted { id, created: summary.birth == job.birth, name: summary.name.clone(), input_hash: summary.input_hash }
    }

    fn add(&mut self, keyword: Hash, job: &NewJob, now: Timestamp) -> JobId {
        self.last_id += 1;
        let id = JobId(self.last_id);
        self.keywords.insert(keyword, id);
        self.put(job.row(id, now));
        id
    }

    pub(super) fn claim(&mut self, owner: &Owner, claim: &Claim, now: Timestamp) -> Option<Claimed> {
        let summary = &self.get(claim.id)?.summary;
        let free = summary.lease == claim.seen
            && summary.state.boot == Boot::NOBODY
            && summary.state.has_work()
            && summary.wake_at <= now;
        let repeated = summary.lease == claim.lease && summary.state.boot == owner.boot;
        let row = if free {
            self.change(claim.id, now, |row| lease_to(owner, claim.lease, row))?
        } else {
            self.get(claim.id).filter(|_| repeated)?
        };
        Some(Claimed { id: claim.id, row: Ok(row.clone()) })
    }

    pub(super) fn write(&mut self, write: &JobWrite, now: Timestamp) -> Written {
        let Some(summary) = self.get(write.id).map(|row| &row.summary) else {
            return Written::LeaseLost;
        };
        if summary.lease == write.lease && !is_mutant("unmatched is lost") {
            return Written::Done;
        }
        let guard = write.guard;
        let state = &summary.state;
        let is_unguarded = is_mutant("no guard") || (is_mutant("unguarded end") && write.state.status.is_ended());
        if is_unguarded {
            self.change(write.id, now, |row| apply(write, row, now));
            return Written::Done;
        }
        if (summary.lease, state.status, state.step) != (guard.lease, guard.status, guard.step) {
            return Written::LeaseLost;
        }
        if let RequestGuard::MustBe(demanded) = write.request
            && summary.request != demanded
            && !is_mutant("no request guard")
        {
            return Written::Requested(summary.request);
        }
        self.change(write.id, now, |row| apply(write, row, now));
        Written::Done
    }

    pub(super) fn pause_unreadable(
        &mut self,
        id: JobId,
        seen: Lease,
        lease: Lease,
        error: &str,
        now: Timestamp,
    ) -> bool {
        let Some(summary) = self.get(id).map(|row| &row.summary) else { return false };
        if summary.lease != seen {
            return summary.lease == lease;
        }
        self.change(id, now, |row| {
            row.summary.lease = lease;
            row.summary.error = Some(error.to_owned());
            row.summary.request = Request::None;
            let state = &mut row.summary.state;
            (state.status, state.callback) = match state.status.is_ended() {
                true => (state.status, Callback::GivenUp),
                false => (Status::Paused, Callback::None),
            };
            (state.reason, state.boot) = (Reason::Undecodable, Boot::NOBODY);
        });
        true
    }

    pub(super) fn request(&mut self, id: JobId, keyword: &Hash, request: Request) -> bool {
        let Some(row) = self.rows.get_mut(&id) else { return false };
        let state = &row.summary.state;
        let is_held = state.status == Status::Running && state.boot != Boot::NOBODY;
        let found = is_held && Hash::of(&row.summary.keyword) == *keyword && request.replaces(row.summary.request);
        if found {
            row.summary.request = request;
        }
        found
    }

    pub(super) fn purge(&mut self, purge: &Purge) -> Purged {
        let ended = |row: &&JobRow| row.summary.state.status == purge.status;
        let rows = self.rows.range((Excluded(purge.after), Unbounded)).map(|(_, row)| row).filter(ended);
        let seen: Vec<&JobSummary> = rows.map(|row| &row.summary).take(purge.limit.max(1) as usize).collect();
        let last = if seen.len() < purge.limit as usize { None } else { seen.last().map(|summary| summary.id) };
        let is_old = |summary: &JobSummary| !summary.state.has_work() && summary.updated < purge.ended_before;
        let old: Vec<JobId> = seen.into_iter().filter(|summary| is_old(summary)).map(|summary| summary.id).collect();
        old.iter().for_each(|id| self.delete(*id));
        Purged { deleted: old.len() as u64, last }
    }

    fn delete(&mut self, id: JobId) {
        if let Some(row) = self.rows.remove(&id) {
            self.indexes.remove(&row.summary.name, Entry::of(&row.summary));
            self.keywords.remove(&Hash::of(&row.summary.keyword));
        }
    }

    /// Changes a row and keeps the indexes true.
    fn change(&mut self, id: JobId, now: Timestamp, edit: impl FnOnce(&mut JobRow)) -> Option<&JobRow> {
        let row = self.rows.get_mut(&id)?;
        let before = Entry::of(&row.summary);
        edit(row);
        row.summary.updated = now;
        let after = Entry::of(&row.summary);
        if before != after {
            self.indexes.remove(&row.summary.name, before);
            self.indexes.add(&row.summary.name, after);
        }
        Some(row)
    }

    fn put(&mut self, row: JobRow) {
        self.indexes.add(&row.summary.name, Entry::of(&row.summary));
        self.rows.insert(row.summary.id, row);
    }
}

impl Indexes {
    fn add(&mut self, name: &str, entry: Entry) {
        match entry {
            Entry::None => {}
            Entry::Waiting(wake_at, id) => {
                // Most names are there.
                if !self.waiting.contains_key(name) {
                    self.waiting.insert(name.to_owned(), BTreeSet::new());
                }
                if let Some(waiting) = self.waiting.get_mut(name) {
                    waiting.insert((wake_at, id));
                }
            }
            Entry::Held(boot, id) => drop(self.held.insert((boot, id))),
        }
    }

    fn remove(&mut self, name: &str, entry: Entry) {
        match entry {
            Entry::None => {}
            Entry::Waiting(wake_at, id) => {
                if let Some(waiting) = self.waiting.get_mut(name) {
                    waiting.remove(&(wake_at, id));
                }
            }
            Entry::Held(boot, id) => drop(self.held.remove(&(boot, id))),
        }
    }
}

/// Where a row stands in the indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    None,
    Waiting(Timestamp, JobId),
    Held(Boot, JobId),
}

impl Entry {
    fn of(summary: &JobSummary) -> Self {
        match summary.state.boot {
            _ if !summary.state.has_work() => Self::None,
            Boot::NOBODY => Self::Waiting(summary.wake_at, summary.id),
            boot => Self::Held(boot, summary.id),
        }
    }
}

fn lease_to(owner: &Owner, lease: Lease, row: &mut JobRow) {
    row.summary.lease = lease;
    row.summary.state.boot = owner.boot;
    row.summary.state.host.clone_from(&owner.host);
}

fn apply(write: &JobWrite, row: &mut JobRow, now: Timestamp) {
    let summary = &mut row.summary;
    summary.lease = write.lease;
    if write.change == Change::Step {
        apply_step(&write.state, &mut summary.state);
    } else {
        summary.state = write.state.clone();
    }
    summary.wake_at = write.due.time(summary.wake_at, now);
    summary.error.clone_from(&write.error);
    summary.progress.clone_from(&write.progress);
    if write.request != RequestGuard::Keep {
        summary.request = Request::None;
    }
    set(&mut summary.history, write.history.as_ref());
    set(&mut summary.generations, write.generations.as_ref());
    set(&mut row.input, write.input.as_ref());
    set(&mut row.outputs, write.outputs.as_ref());
}

/// What a recorded step leaves as it is, such as the host, is not copied.
fn apply_step(after: &JobState, state: &mut JobState) {
    (state.status, state.step, state.callback, state.boot) = (after.status, after.step, after.callback, after.boot);
    state.step_name.clone_from(&after.step_name);
}

fn set(column: &mut String, value: Option<&String>) {
    if let Some(value) = value {
        column.clone_from(value);
    }
}

fn candidate(row: &JobRow) -> Candidate {
    let (summary, bytes) = (&row.summary, row.input.len() + row.outputs.len());
    let state = &summary.state;
    Candidate {
        id: summary.id,
        lease: summary.lease,
        bytes,
        crashes: state.crashes,
        name: summary.name.clone(),
        step: (state.status == Status::Running).then(|| state.step_name.to_string()),
        plan: state.plan,
        wake_at: summary.wake_at,
    }
}

fn held(summary: &JobSummary, now: Timestamp) -> Held {
    Held { id: summary.id, lease: summary.lease, is_due: summary.wake_at <= now, request: summary.request }
}
