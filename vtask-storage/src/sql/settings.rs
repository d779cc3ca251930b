//! Settings of a server that cost something.

use std::collections::BTreeMap;

use super::server::Address;

/// What a server is asked for when it is connected to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// What it should be.
    pub(crate) safe: &'static str,
    pub(crate) is_safe: fn(&str) -> bool,
    /// It matters only where this other setting has this value.
    pub(crate) only_if: Option<(&'static str, &'static str)>,
    /// What it costs otherwise.
    pub(crate) risk: &'static str,
}

/// The settings of a server by their names, which are in lower case.
pub(crate) type Settings = BTreeMap<String, String>;

impl Setting {
    /// What the setting costs, if it is not as it should be.
    fn risk_among(&self, settings: &Settings) -> Option<(&'static str, String)> {
        let matters = self.only_if.is_none_or(|(other, value)| is(settings, other, value));
        let value = settings.get(self.name).filter(|value| matters && !(self.is_safe)(value))?;
        Some((self.risk, value.clone()))
    }
}

/// Whether a setting has this value, in letters of either case.
pub(crate) fn is(settings: &Settings, name: &str, value: &str) -> bool {
    settings.get(name).is_some_and(|present| present.eq_ignore_ascii_case(value))
}

/// Says which settings are not as they should be, and what that costs.
pub(crate) fn warn(address: &Address, checks: &[Setting], settings: &Settings) {
    for check in checks {
        if let Some((risk, value)) = check.risk_among(settings) {
            tracing::warn!(%address, setting = check.name, value, safe = check.safe, "{risk}");
        }
    }
}

/// Says so, if a session of vtask's has another isolation than it was told to have.
pub(crate) fn warn_of_isolation(address: &Address, value: &str) {
    if !value.replace('-', " ").eq_ignore_ascii_case("read committed") {
        tracing::warn!(
            %address,
            setting = "transaction_isolation",
            value,
            safe = "read committed",
            "a session does not keep its settings: a proxy that gives each statement another one does not serve, so have it \
             give each client a session of its own"
        );
    }
}

/// The settings of rows of names and values.
pub(crate) fn settings(rows: Vec<(String, String)>) -> Settings {
    rows.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: Setting = Setting {
        name: "sync_binlog",
        safe: "1",
        is_safe: |value| value == "1",
        only_if: Some(("log_bin", "ON")),
        risk: "it may be lost",
    };

    #[track_caller]
    fn check(rows: &[(&str, &str)], expected: bool) {
        let rows = rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(CHECK.risk_among(&settings(rows)).is_some(), expected);
    }

    #[test]
    fn setting_that_costs_something_is_told_where_it_matters() {
        check(&[("sync_binlog", "0"), ("log_bin", "ON")], true);
        check(&[("SYNC_BINLOG", "0"), ("log_bin", "on")], true);
        check(&[("sync_binlog", "1"), ("log_bin", "ON")], false);
        check(&[("sync_binlog", "0"), ("log_bin", "OFF")], false);
        check(&[("sync_binlog", "0")], false);
        check(&[("log_bin", "ON")], false);
    }
}
