//! Which items go into which call, and when.

use tokio::sync::Semaphore;
use tokio::time::advance;

use super::*;

/// No call that has this in it is carried out.
const BAD: u32 = 99;

/// A storage call that writes down what happens and waits until it may end.
struct Gate {
    log: Arc<Mutex<Vec<String>>>,
    ends: Arc<Semaphore>,
}

impl Batch for Gate {
    type Item = u32;
    type Answer = ();
    type Tag = ();

    fn bytes(_item: &u32) -> usize {
        1
    }

    async fn send(&self, items: &[u32]) -> Result<Vec<()>, StorageError> {
        self.log.lock().unwrap().push(format!("send {items:?}"));
        self.ends.acquire().await.unwrap().forget();
        if items.contains(&BAD) {
            return Err(StorageError::Refused("it holds a bad item".into()));
        }
        Ok(vec![(); items.len()])
    }

    fn answered(&self, item: &u32, (): &(), (): ()) {
        self.log.lock().unwrap().push(format!("tell {item}"));
    }
}

struct Rig {
    group: Group<Gate>,
    log: Arc<Mutex<Vec<String>>>,
    ends: Arc<Semaphore>,
}

impl Rig {
    fn new(most: usize, worth: usize) -> Self {
        let (log, ends) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let gate = Gate { log: Arc::clone(&log), ends: Arc::clone(&ends) };
        let group = Group::new(gate, Lanes { most, worth }, Env::default(), None, None);
        Self { group, log, ends }
    }

    async fn submit(&self, items: impl IntoIterator<Item = u32>) {
        for item in items {
            let (group, log) = (self.group.clone(), Arc::clone(&self.log));
            tokio::spawn(async move {
                if group.submit(item, ()).await.is_err() {
                    log.lock().unwrap().push(format!("refuse {item}"));
                }
            });
            settle().await;
        }
    }

    /// Lets the call that was sent first of those under way end.
    async fn end_one(&self) {
        self.ends.add_permits(1);
        settle().await;
    }

    /// What has happened since this was asked last.
    fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

/// Lets every task run until it waits.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn second_call_is_made_for_as_many_as_the_first_has() {
    let rig = Rig::new(2, 2);
    rig.submit(1..=6).await;
    assert_eq!(rig.log(), ["send [1]", "send [2, 3]"], "a lone item goes at once, the next with a few others");
    rig.end_one().await;
    assert_eq!(rig.log(), ["tell 1", "send [4, 5, 6]"]);
    rig.end_one().await;
    assert_eq!(rig.log(), ["tell 2", "tell 3"]);
    rig.submit(7..=8).await;
    assert_eq!(rig.log(), [""; 0], "two are fewer than the three that are under way");
    rig.submit([9]).await;
    assert_eq!(rig.log(), ["send [7, 8, 9]"]);
}

#[tokio::test(start_paused = true)]
async fn call_that_is_late_keeps_nobody_waiting() {
    let rig = Rig::new(2, 100);
    rig.submit(1..=3).await;
    assert_eq!(rig.log(), ["send [1]"]);
    advance(LATE).await;
    settle().await;
    assert_eq!(rig.log(), ["send [2, 3]"]);
}

#[tokio::test(start_paused = true)]
async fn next_batch_is_under_way_before_the_last_is_told() {
    let rig = Rig::new(1, 1);
    rig.submit(1..=2).await;
    rig.end_one().await;
    assert_eq!(rig.log(), ["send [1]", "tell 1", "send [2]"], "whoever began it hears of his own first");
    rig.submit([3]).await;
    rig.end_one().await;
    assert_eq!(rig.log(), ["send [3]", "tell 2"]);
    rig.end_one().await;
    assert_eq!(rig.log(), ["tell 3"]);
    assert!(rig.group.is_idle());
}

#[tokio::test(start_paused = true)]
async fn answers_are_told_before_the_lane_counts_as_idle() {
    let rig = Rig::new(2, 1);
    rig.submit(1..=3).await;
    rig.end_one().await;
    rig.end_one().await;
    rig.end_one().await;
    let mut told: Vec<String> = rig.log().into_iter().filter(|line| line.starts_with("tell")).collect();
    told.sort();
    assert_eq!(told, ["tell 1", "tell 2", "tell 3"]);
    assert!(rig.group.is_idle());
}

#[tokio::test(start_paused = true)]
async fn item_that_is_refused_fails_alone() {
    let rig = Rig::new(1, 1);
    rig.submit([1, 2, BAD, 3, 4]).await;
    assert_eq!(rig.log(), ["send [1]"]);
    rig.end_one().await;
    assert_eq!(rig.log(), ["tell 1", "send [2, 99, 3, 4]"]);
    for next in ["send [2, 99]", "send [2]"] {
        rig.end_one().await;
        assert_eq!(rig.log(), [next], "nobody is told while a part of the batch may be good");
    }
    rig.end_one().await;
    assert_eq!(rig.log(), ["tell 2", "send [99]"]);
    rig.end_one().await;
    assert_eq!(rig.log(), ["send [3, 4]", "refuse 99"]);
    rig.end_one().await;
    assert_eq!(rig.log(), ["tell 3", "tell 4"]);
}

/// Items from this one on are locked: each call that has one takes a second, and is in vain.
const LOCKED: u32 = 1000;

/// Finds some of them locked.
struct Locks;

impl Batch for Locks {
    type Item = u32;
    type Answer = ();
    type Tag = ();

    fn bytes(_item: &u32) -> usize {
        1
    }

    async fn send(&self, items: &[u32]) -> Result<Vec<()>, StorageError> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if items.iter().any(|item| *item >= LOCKED) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            return Err(StorageError::Locked("somebody has it".into()));
        }
        Ok(vec![(); items.len()])
    }
}

#[tokio::test(start_paused = true)]
async fn locked_items_are_given_up_in_time_and_come_behind_those_that_may_be_free() {
    let patience = Duration::from_secs(30);
    let lanes = Lanes { most: 1, worth: 1 };
    let group = Group::new(Locks, lanes, Env::default(), None, Some(patience));
    let begun = Instant::now();
    let submit = |item: u32| {
        let group = group.clone();
        tokio::spawn(async move { (group.submit(item, ()).await.map(drop), begun.elapsed()) })
    };
    let locked: Vec<_> = (LOCKED..LOCKED + 8).map(submit).collect();
    // Each was tried by itself.
    tokio::time::sleep(Duration::from_secs(18)).await;
    // While a call is under way, so that it is in one batch with one that is locked, and set aside with that.
    let [_, _, free] = [7, LOCKED + 500, 8].map(submit);
    let (answer, at) = free.await.unwrap();
    assert!(answer.is_ok() && at < Duration::from_secs(23), "{answer:?} after {at:?}");
    let many: Vec<_> = (LOCKED..LOCKED + 200).map(submit).collect();
    let patience = at + patience;
    for locked in locked.into_iter().chain(many) {
        let (answer, at) = locked.await.unwrap();
        assert!(matches!(answer, Err(StorageError::Locked(_))), "{answer:?}");
        assert!(at <= patience + Duration::from_secs(3), "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_room_for_longer_than_he_is_patient() {
    let patience = Duration::from_secs(30);
    let (log, ends) = (Arc::default(), Arc::new(Semaphore::new(0)));
    let lanes = Lanes { most: 1, worth: 1 };
    let group = Group::new(Gate { log, ends }, lanes, Env::default(), None, Some(patience));
    for item in 0..u32::try_from(ROOM).unwrap() {
        let group = group.clone();
        tokio::spawn(async move { group.submit(item, ()).await });
    }
    while group.0.room.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    let refused = group.submit(1, ()).await.unwrap_err();
    assert!(matches!(refused, StorageError::Unavailable(_)) && begun.elapsed() == patience, "{refused:?}");
}
