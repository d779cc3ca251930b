//! The pools to a server, which may fall silent, and may have several addresses.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sea_orm::{DatabaseConnection, DbErr};

use super::connections::Close;
use super::driver::{has_no_connection, is_turned_away};
use super::lent::{LIFETIME, LIFETIME_OF_SEVERAL, Lender};
use super::server::patience;
use crate::error::StorageError;

/// A node holds five connections at most, beside those of steps: these of its client, as many of its engine, and one that
/// listens.
const MOST: u32 = 2;

/// How to connect to a server, at the address of this number.
#[derive(Clone)]
pub(crate) struct Server {
    /// How many addresses there are.
    pub(crate) addresses: usize,
    /// Makes a pool of at most so many connections, which are opened as they are needed.
    pub(crate) pool: Arc<dyn Fn(usize, u32) -> DatabaseConnection + Send + Sync>,
    /// Likewise one for the transactions of steps, none of which takes longer than this.
    pub(crate) for_steps: Arc<dyn Fn(usize, Duration) -> DatabaseConnection + Send + Sync>,
    /// Marks a pool as closed: what is called through it now fails, and no connection of it is used again.
    pub(crate) close: Close,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// A server, and the pool in use.
#[derive(Debug)]
pub(crate) struct Pools {
    server: Server,
    present: RwLock<Present>,
}

#[derive(Debug)]
struct Present {
    lender: Lender,
    address: usize,
    since: Instant,
}

impl Present {
    fn at(server: &Server, address: usize) -> Self {
        let pool = (server.pool)(address, MOST);
        let lifetime = if server.addresses > 1 { LIFETIME_OF_SEVERAL } else { LIFETIME };
        let lender = Lender::new(pool, MOST, patience(server.addresses), lifetime);
        Self { lender, address, since: Instant::now() }
    }
}

impl Pools {
    pub(crate) fn new(server: Server, address: usize) -> Self {
        let present = RwLock::new(Present::at(&server, address));
        Self { server, present }
    }

    pub(crate) fn present(&self) -> Lender {
        self.present.read().unwrap_or_else(PoisonError::into_inner).lender.clone()
    }

    /// When the present pool was made.
    pub(crate) fn since(&self) -> Instant {
        self.present.read().unwrap_or_else(PoisonError::into_inner).since
    }

    fn address(&self) -> usize {
        self.present.read().unwrap_or_else(PoisonError::into_inner).address
    }

    /// Others like these.
    pub(crate) fn others(&self) -> Self {
        Self::new(self.server.clone(), self.address())
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn one_more(&self) -> DatabaseConnection {
        (self.server.pool)(self.address(), 1)
    }

    pub(crate) fn for_steps(&self, longest: Duration) -> (DatabaseConnection, Close) {
        ((self.server.for_steps)(self.address(), longest), self.server.close)
    }

    /// Gives up what a call that began at `begun` waits on, unless others have taken its place since: the next pool is to
    /// the next address.
    pub(crate) fn give_up(&self, begun: Instant) {
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        if present.since <= begun {
            present.lender.forget();
            (self.server.close)(present.lender.pool());
            *present = Present::at(&self.server, (present.address + 1) % self.server.addresses);
        }
    }

    pub(crate) fn look_elsewhere(&self, begun: Instant, error: &StorageError) {
        let is_lost = match error {
            StorageError::Unavailable(_) => true,
            // A pool that is merely busy has connections.
            StorageError::Busy(cause) => {
                let error = cause.downcast_ref::<DbErr>();
                error.is_some_and(|error| has_no_connection(error) || is_turned_away(error))
                    && self.present().count() == 0
            }
            _ => false,
        };
        if is_lost && self.server.addresses > 1 {
            self.give_up(begun);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn cut() -> StorageError {
        StorageError::Unavailable("cut".into())
    }

    /// Pools to so many addresses, and to which of them they were made.
    fn pools(addresses: usize) -> (Pools, Arc<Mutex<Vec<usize>>>) {
        let made = Arc::new(Mutex::new(Vec::new()));
        let makes = Arc::clone(&made);
        let pool = move |address, _| {
            makes.lock().unwrap().push(address);
            DatabaseConnection::default()
        };
        let (pool, for_steps) = (Arc::new(pool), Arc::new(|_, _| DatabaseConnection::default()));
        (Pools::new(Server { addresses, pool, for_steps, close: |_| {} }, 0), made)
    }

    #[test]
    fn each_lost_connection_leads_to_the_next_address() {
        let (pools, made) = pools(3);
        for _ in 0..4 {
            pools.look_elsewhere(Instant::now(), &cut());
        }
        assert_eq!(*made.lock().unwrap(), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn call_that_began_before_the_last_change_changes_nothing() {
        let (pools, made) = pools(3);
        let begun = Instant::now();
        for _ in 0..4 {
            pools.look_elsewhere(begun, &cut());
        }
        assert_eq!(*made.lock().unwrap(), [0, 1]);
    }

    #[test]
    fn pool_that_is_busy_is_kept_and_one_that_has_no_connection_is_not() {
        let none = || StorageError::Busy(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout).into());
        for (size, expected) in [(2, vec![0]), (0, vec![0, 1])] {
            let (pools, made) = pools(2);
            pools.present().count_as(size);
            pools.look_elsewhere(Instant::now(), &none());
            assert_eq!(*made.lock().unwrap(), expected);
        }
    }

    #[test]
    fn only_address_is_kept_and_so_is_one_that_answers() {
        let (only, made) = pools(1);
        only.look_elsewhere(Instant::now(), &cut());
        assert_eq!(*made.lock().unwrap(), [0]);
        let (three, made) = pools(3);
        three.look_elsewhere(Instant::now(), &StorageError::Busy("a deadlock".into()));
        three.look_elsewhere(Instant::now(), &StorageError::Refused("nonsense".into()));
        assert_eq!(*made.lock().unwrap(), [0]);
    }
}
