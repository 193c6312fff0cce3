//! The keys of `[drill.NAME]`.

use super::Key;

/// The keys of `[drill.NAME]`.
pub const DRILL: &[Key] = &[
    Key { name: "playbook", kind: "name", default: "", doc: "what is to mend it" },
    Key { name: "inject", kind: "table", default: "", doc: "what is broken, on what, how far" },
    Key { name: "safe", kind: "true | false", default: "false", doc: "the target may be broken; else it is refused" },
    Key { name: "labels", kind: "table", default: "", doc: "the labels of the alert that is made" },
    Key { name: "source", kind: "name", default: "alertmanager", doc: "the [sources.NAME] that it comes from" },
    Key { name: "url", kind: "URL", default: "", doc: "where the daemon takes alerts; its own listener" },
    Key { name: "params", kind: "table", default: "", doc: "parameters of the playbook, in this drill alone" },
    Key { name: "rung", kind: "rung", default: "", doc: "how far it goes in this drill; as far as ever" },
    Key {
        name: "within",
        kind: "time",
        default: "20m",
        doc: "what was broken is taken back after this, at the latest",
    },
    Key { name: "after", kind: "time", default: "0s", doc: "the alert is made so long after the fault" },
    Key { name: "page", kind: "true | false", default: "false", doc: "who is on call is woken as ever" },
    Key { name: "schedule", kind: "table", default: "", doc: "when the daemon does it, each week" },
];

/// The keys of `inject`.
pub const INJECT: &[Key] = &[
    Key { name: "fault", kind: "word", default: "", doc: "what is done: see the table below" },
    Key { name: "target", kind: "text", default: "", doc: "on what: the same" },
    Key { name: "namespace", kind: "name", default: "", doc: "delete-pod: where" },
    Key { name: "listen", kind: "address:port", default: "", doc: "delay, cut: where the proxy listens" },
    Key { name: "most", kind: "integer", default: "", doc: "the bound: connections, lookups, MiB, requests" },
    Key { name: "rate", kind: "integer", default: "50", doc: "drop-hit-ratio, load: so many in a second" },
    Key { name: "percent", kind: "integer", default: "90", doc: "fill-disk: so much is in use then" },
    Key { name: "millis", kind: "integer", default: "500", doc: "delay: so long" },
];

/// The keys of `schedule`.
pub const SCHEDULE: &[Key] = &[
    Key { name: "day", kind: "mon … sun", default: "", doc: "the day of the week" },
    Key { name: "at", kind: "HH:MM", default: "", doc: "from then on, UTC" },
    Key { name: "window", kind: "time", default: "30m", doc: "how long it may be begun after that" },
];
