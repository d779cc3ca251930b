//! What an operator may do with a job: every act in every state, from every process.
//!
//! The table is that of the documentation of `JobRun`.

mod errand;
mod world;

use self::world::{Act, Cell, State, World, check};
use crate::database::on_each_database;
use crate::setup::paused_storage;
use vtask::Client;

/// For each state and each act: the answer, how the job is soon after it, how it is when all that can go on has gone on,
/// and what of it has run until then.
const TABLE: &[(State, [(Act, Cell); 4])] = &[
    (
        State::Due,
        [
            (Act::Cancel, ["Cancelled", "cancelled", "cancelled", "undo"]),
            (Act::Pause, ["Paused", "paused", "paused", ""]),
            (Act::Resume, ["NotPaused", "running", "succeeded", "first second thank"]),
            (Act::Restart, ["Ok", "running", "succeeded", "first second thank"]),
        ],
    ),
    (
        State::Delayed,
        [
            (Act::Cancel, ["Cancelled", "cancelled", "cancelled", "undo"]),
            (Act::Pause, ["Paused", "paused", "paused", ""]),
            (Act::Resume, ["NotPaused", "running", "running", ""]),
            (Act::Restart, ["Ok", "running", "succeeded", "first second thank"]),
        ],
    ),
    (
        State::WaitsInNobodysHands,
        [
            (Act::Cancel, ["Cancelled", "cancelled", "cancelled", "first undo"]),
            (Act::Pause, ["Paused", "paused", "paused", "first"]),
            (Act::Resume, ["NotPaused", "running", "running", "first"]),
            (Act::Restart, ["Ok", "running", "succeeded", "first first second thank"]),
        ],
    ),
    (
        State::WaitsInMemory,
        [
            (Act::Cancel, ["Requested", "cancelled", "cancelled", "first undo"]),
            (Act::Pause, ["Requested", "paused", "paused", "first"]),
            (Act::Resume, ["NotPaused", "running", "running", "first"]),
            (Act::Restart, ["Running", "running", "running", "first"]),
        ],
    ),
    (
        State::Executing,
        [
            (Act::Cancel, ["Requested", "running, to cancel", "cancelled", "first undo"]),
            (Act::Pause, ["Requested", "running, to pause", "paused", "first"]),
            (Act::Resume, ["NotPaused", "running", "succeeded", "first second thank"]),
            (Act::Restart, ["Running", "running", "succeeded", "first second thank"]),
        ],
    ),
    (
        State::HeldByTheDead,
        [
            (Act::Cancel, ["Requested", "running, to cancel", "cancelled", "first undo"]),
            (Act::Pause, ["Requested", "running, to pause", "paused", "first"]),
            (Act::Resume, ["NotPaused", "running", "succeeded", "first first second thank"]),
            (Act::Restart, ["Running", "running", "succeeded", "first first second thank"]),
        ],
    ),
    (
        State::PauseRequested,
        [
            (Act::Cancel, ["Requested", "running, to cancel", "cancelled", "first undo"]),
            (Act::Pause, ["Requested", "running, to pause", "paused", "first"]),
            (Act::Resume, ["Ok", "running", "succeeded", "first second thank"]),
            (Act::Restart, ["Running", "running, to pause", "paused", "first"]),
        ],
    ),
    (
        State::CancelRequested,
        [
            (Act::Cancel, ["Requested", "running, to cancel", "cancelled", "first undo"]),
            (Act::Pause, ["BeingCancelled", "running, to cancel", "cancelled", "first undo"]),
            (Act::Resume, ["NotPaused", "running, to cancel", "cancelled", "first undo"]),
            (Act::Restart, ["Running", "running, to cancel", "cancelled", "first undo"]),
        ],
    ),
    (
        State::PauseLeftByTheDead,
        [
            (Act::Cancel, ["Cancelled", "cancelled", "cancelled", "first undo"]),
            (Act::Pause, ["Paused", "paused", "paused", "first"]),
            (Act::Resume, ["Ok", "running", "succeeded", "first first second thank"]),
            (Act::Restart, ["Ok", "running", "succeeded", "first first second thank"]),
        ],
    ),
    (
        State::CancelLeftByTheDead,
        [
            (Act::Cancel, ["Cancelled", "cancelled", "cancelled", "first undo"]),
            (Act::Pause, ["BeingCancelled", "running, to cancel", "cancelled", "first undo"]),
            (Act::Resume, ["NotPaused", "running, to cancel", "cancelled", "first undo"]),
            (Act::Restart, ["Ok", "running", "succeeded", "first first second thank"]),
        ],
    ),
    (
        State::CallbackDue,
        [
            (Act::Cancel, ["AlreadyEnded", "cancelled", "cancelled", "undo"]),
            (Act::Pause, ["AlreadyEnded", "cancelled", "cancelled", "undo"]),
            (Act::Resume, ["NotPaused", "cancelled", "cancelled", "undo"]),
            (Act::Restart, ["Running", "cancelled", "cancelled", "undo"]),
        ],
    ),
    (
        State::CallbackRuns,
        [
            (Act::Cancel, ["AlreadyEnded", "succeeded", "succeeded", "first second thank"]),
            (Act::Pause, ["AlreadyEnded", "succeeded", "succeeded", "first second thank"]),
            (Act::Resume, ["NotPaused", "succeeded", "succeeded", "first second thank"]),
            (Act::Restart, ["Running", "succeeded", "succeeded", "first second thank"]),
        ],
    ),
    (
        State::Paused,
        [
            (Act::Cancel, ["Cancelled", "cancelled", "cancelled", "undo"]),
            (Act::Pause, ["AlreadyPaused", "paused", "paused", ""]),
            (Act::Resume, ["Ok", "running", "succeeded", "first second thank"]),
            (Act::Restart, ["Ok", "running", "succeeded", "first second thank"]),
        ],
    ),
    (
        State::Succeeded,
        [
            (Act::Cancel, ["AlreadyEnded", "succeeded", "succeeded", "first second thank"]),
            (Act::Pause, ["AlreadyEnded", "succeeded", "succeeded", "first second thank"]),
            (Act::Resume, ["NotPaused", "succeeded", "succeeded", "first second thank"]),
            (Act::Restart, ["Ok", "running", "succeeded", "first second thank first second thank"]),
        ],
    ),
    (
        State::Failed,
        [
            (Act::Cancel, ["AlreadyEnded", "failed", "failed", "first undo"]),
            (Act::Pause, ["AlreadyEnded", "failed", "failed", "first undo"]),
            (Act::Resume, ["NotPaused", "failed", "failed", "first undo"]),
            (Act::Restart, ["Ok", "running", "succeeded", "first undo first second thank"]),
        ],
    ),
    (
        State::Cancelled,
        [
            (Act::Cancel, ["AlreadyEnded", "cancelled", "cancelled", "undo"]),
            (Act::Pause, ["AlreadyEnded", "cancelled", "cancelled", "undo"]),
            (Act::Resume, ["NotPaused", "cancelled", "cancelled", "undo"]),
            (Act::Restart, ["Ok", "running", "succeeded", "undo first second thank"]),
        ],
    ),
];

#[tokio::test(start_paused = true)]
async fn every_act_in_every_state_has_its_answer_in_memory() {
    let storage = paused_storage();
    let clients = std::array::from_fn(|seed| Client::with_seed(storage.clone(), seed as u64));
    check(TABLE, World::new(clients)).await;
}

on_each_database! {
    async fn every_act_in_every_state_has_its_answer(database) {
        let clients = [database.client().await, database.client().await, database.client().await, database.client().await];
        check(TABLE, World::new(clients)).await;
    }
}
