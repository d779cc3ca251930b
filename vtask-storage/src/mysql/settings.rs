//! Settings of MySQL and MariaDB that cost something.

use crate::sql::settings::Setting;

/// All that is looked at, with that on which some of it hangs.
pub(super) const ASK: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', \
                              'innodb_doublewrite', 'innodb_autoinc_lock_mode', 'log_bin', 'sync_binlog', 'binlog_format', 'wsrep_on', \
                              'wsrep_sync_wait')";

pub(super) const CHECKS: &[Setting] = &[
    Setting {
        name: "innodb_flush_log_at_trx_commit",
        safe: "1",
        is_safe: |value| value == "1",
        only_if: None,
        risk: "the server does not wait for its disk: when it fails, acknowledged jobs and steps of the last second may be \
               lost",
    },
    Setting {
        name: "innodb_doublewrite",
        safe: "ON",
        // MySQL has words for it, MariaDB had a number.
        is_safe: |value| !matches!(value, "0" | "OFF"),
        only_if: None,
        risk: "when the machine fails in the middle of a write, the database may be damaged, unless its disk writes pages \
               whole",
    },
    Setting {
        name: "innodb_autoinc_lock_mode",
        safe: "2",
        is_safe: |value| value == "2",
        only_if: None,
        risk: "while a batch of jobs is inserted, or waits for somebody's transaction with one of its keywords, all other \
               inserts wait for it",
    },
    Setting {
        name: "sync_binlog",
        safe: "1",
        is_safe: |value| value == "1",
        only_if: Some(("log_bin", "ON")),
        risk: "when the machine fails, the binary log may lack what was acknowledged: a replica that takes over then lacks \
               those jobs and steps",
    },
    Setting {
        name: "binlog_format",
        safe: "ROW",
        is_safe: |value| !value.eq_ignore_ascii_case("STATEMENT"),
        only_if: Some(("log_bin", "ON")),
        risk: "the server refuses every write of a session that is READ COMMITTED, as vtask's are",
    },
    Setting {
        name: "wsrep_sync_wait",
        safe: "1",
        is_safe: |value| value != "0",
        only_if: Some(("wsrep_on", "ON")),
        risk: "a read through another server of the cluster may not see what was acknowledged; vtask sets it for its own \
               sessions, and your own connections read as they are set",
    },
];

/// What the sessions of vtask have, if nothing in between keeps them from it.
pub(super) const ASK_ISOLATION: &str =
    "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')";

/// MariaDB called it by the second name before 11.1.
pub(super) const ISOLATION: [&str; 2] = ["transaction_isolation", "tx_isolation"];
