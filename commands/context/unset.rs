//! What is said where a system is not configured, whether it is to be read or written.

use crate::fault::{Fault, Kind};

/// It is not configured; `mend` says how.
pub(super) fn of(what: &str, mend: &str) -> Fault {
    Fault::new(Kind::Config, what).hint(mend)
}

/// Nobody would be paged.
pub(super) fn pager() -> Fault {
    of(
        "nobody is configured to be paged",
        "set `page.provider` and `page.routing_key` in the user's configuration (`ira help people`)",
    )
}

/// There is no ticket desk.
pub(super) fn tickets() -> Fault {
    of("no ticket desk is configured", "set `[tickets.NAME]` in the user's configuration (`ira help people`)")
}

/// PagerDuty cannot be asked.
pub(super) fn incidents() -> Fault {
    of(
        "PagerDuty is not configured",
        "set `pagerduty.token` and `pagerduty.from` in the user's configuration (`ira help people`)",
    )
}

/// There is no such database, pooler or cache.
pub(super) fn data(table: &str) -> Fault {
    of(
        &format!("no [{table}.NAME] is configured"),
        &format!("set `{table}.NAME.url` in the user's configuration (`ira help config`)"),
    )
}

/// There is no AWS.
pub(super) fn aws() -> Fault {
    of("this `ira` was built without AWS", "build it with the feature `aws`, which is on by default")
}

/// Nothing can be kept.
pub(super) fn kept() -> Fault {
    of("there is no folder to keep things in: the home folder is not known", "set HOME, or XDG_STATE_HOME")
}

/// There is no Kubernetes cluster.
pub(super) fn cluster() -> Fault {
    of("this `ira` was built without Kubernetes", "build it with the feature `kubernetes`, which is on by default")
}
