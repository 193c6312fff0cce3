//! The format, once: every map with its fields. The parser, the schema for editors and completion read it here.

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// A text, or a number that is meant as one.
    Scalar,
    /// A name: letters, digits, `-` and `_`.
    Name,
    /// A name that expressions use: letters, digits and `_`.
    Ident,
    /// Seconds, written as `90s`, `10m`, `1h30m`, `2d`.
    Duration,
    /// A whole number from the first to the second.
    Int(i64, i64),
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// An expression in CEL.
    Expression,
    /// Prose with `{{ … }}` in it.
    Prose,
    /// A regular expression; it must match the whole.
    Regex,
    /// An amount with its coin (`5 LINK`).
    Coins,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of these.
    List(&'static Shape),
    /// Names of the writer's own, each with this.
    Map(&'static Shape),
    /// Names of the writer's own that expressions use, each with this.
    Named(&'static Shape),
    /// A map with known fields.
    Record(&'static Table),
    /// Either of two that differ in kind.
    Either(&'static Shape, &'static Shape),
}

/// A map with known fields.
#[derive(Debug)]
pub struct Table {
    /// What it is, in a message (`a step`).
    pub what: &'static str,
    /// Its fields, in the order in which a person would write them.
    pub fields: &'static [Field],
}

/// A field of a map.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it must be.
    pub shape: Shape,
    /// What it says.
    pub doc: &'static str,
}

const fn must(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, required: true, shape, doc }
}

const fn may(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, required: false, shape, doc }
}

use Shape::{
    Any, Bool, Coins, Duration, Either, Expression, Ident, Int, List, Map, Name, Named, Number, OneOf, Prose, Record,
    Regex, Scalar, Text,
};

/// The senders whose alerts a playbook can be for.
pub const SOURCES: &[&str] =
    &["alertmanager", "pagerduty", "grafana", "datadog", "cloudwatch", "eventbridge", "generic", "any"];

/// The whole file.
pub static PLAYBOOK: Table = Table {
    what: "a playbook",
    fields: &[
        must("ira", Int(1, 1), "the version of the format: 1"),
        must("playbook", Name, "its name, unique among those loaded"),
        may("about", Text, "what it is for, in a line"),
        must("owner", Text, "who is told when the playbook itself is wrong"),
        may(
            "mode",
            OneOf(&["observe", "suggest", "approve", "auto"]),
            "the rung it starts on; suggest where it says nothing",
        ),
        may("approve", Record(&APPROVE), "who says yes to a plan on the rung approve"),
        must("on", List(&Record(&ON)), "the alerts it is for: any of these"),
        may("labels", Map(&Regex), "what a label must look like to be inserted; a DNS label where nothing is said"),
        may(
            "targets",
            Map(&List(&Scalar)),
            "what alert data may point a write at, by label; `*` stands for any characters",
        ),
        may("params", Named(&Record(&PARAM)), "what may be set by whoever starts it"),
        may("queries", Named(&Record(&QUERY)), "reads with a name: q.NAME"),
        may("guards", Record(&GUARDS), "what may forbid a run"),
        must("steps", List(&Record(&STEP)), "what is done, in order"),
        may("verify", Record(&VERIFY), "how it is seen that it worked"),
        may("annotate", Either(&Text, &Record(&ANNOTATE)), "where facts, progress and outcome are noted"),
        may("escalate", Record(&ESCALATE), "who is paged when it did not work"),
        may("tests", List(&Record(&CASE)), "the file's own tests"),
    ],
};

static APPROVE: Table = Table {
    what: "approve",
    fields: &[
        must("from", Name, "a role of the configuration's users"),
        must("within", Duration, "how long a yes is waited for"),
        may("else", OneOf(&["escalate"]), "what follows when none comes"),
        may("second_person", Bool, "whether one who runs it by hand needs a second person"),
    ],
};

static ON: Table = Table {
    what: "an alert of `on`",
    fields: &[
        must("source", OneOf(SOURCES), "who sends it"),
        may("match", Map(&Either(&Scalar, &Record(&MATCHER))), "labels that must be equal, or match"),
        may("when", Expression, "narrows further: alert, params"),
        may(
            "status",
            OneOf(&["firing", "resolved", "any"]),
            "which messages start a run; firing where nothing is said",
        ),
        may("key", List(&Text), "what a run is about: mutex and cooldown (alert.labels.NAME or params.NAME)"),
    ],
};

static MATCHER: Table = Table { what: "a matcher", fields: &[must("regex", Regex, "what the whole label must match")] };

static PARAM: Table = Table {
    what: "a parameter",
    fields: &[
        must("type", OneOf(&["string", "int", "double", "bool", "duration", "strings"]), "what it may be"),
        may("default", Any, "its value where none is given"),
        may("min", Either(&Number, &Duration), "the least"),
        may("max", Either(&Number, &Duration), "the most"),
        may("pattern", Regex, "what the whole text must match; a DNS label where nothing is said"),
        may("values", List(&Scalar), "the texts that it may be"),
        may("max_items", Int(1, 256), "the most items of a list"),
        may("about", Text, "what it is for"),
    ],
};

static QUERY: Table = Table {
    what: "a query",
    fields: &[
        may("prometheus", Text, "PromQL that gives one number; $variables are quoted"),
        may("do", Text, "a command or action that reads"),
        may("with", Map(&Any), "its arguments"),
        may("take", Text, "where in the answer the value stands (feeds.0.answer)"),
        may("timeout", Duration, "how long it may take; 5s where nothing is said"),
    ],
};

static GUARDS: Table = Table {
    what: "guards",
    fields: &[
        may("cooldown", Duration, "how long a key is left alone after a run's first write"),
        may("recurrence", Record(&RATE), "how often a key may come back; one more escalates instead"),
        may("budget", Name, "a budget of the configuration"),
        may("bucket", Record(&RATE), "how often this playbook may run, over all keys"),
        may("min_healthy", Record(&MIN_HEALTHY), "how many must be healthy"),
        may("require", Expression, "what must be true: alert, key, params, q; an error denies"),
        may(
            "not_during",
            List(&OneOf(&["maintenance", "storm", "freeze"])),
            "when nothing is written; all of them where nothing is said",
        ),
    ],
};

static RATE: Table = Table {
    what: "a rate",
    fields: &[must("max", Int(1, 1_000), "at most so many"), must("within", Duration, "in this time")],
};

static MIN_HEALTHY: Table = Table {
    what: "min_healthy",
    fields: &[must("query", Ident, "the query that counts them"), must("least", Number, "the least")],
};

static STEP: Table = Table {
    what: "a step",
    fields: &[
        must("id", Ident, "its name in this playbook"),
        may("if", Expression, "left out where this is false: alert, key, params, q, steps"),
        must("do", Text, "a command or action"),
        may("with", Map(&Any), "its arguments; $key, $item, $params.NAME, $alert.labels.NAME, $steps.ID.out.NAME"),
        may("timeout", Duration, "how long one attempt may take; 5s for a read where nothing is said"),
        may("retry", Record(&RETRY), "when it is tried again"),
        may("effect", OneOf(&["idempotent", "once"]), "where the action leaves it to the playbook"),
        may("taken_back", OneOf(&["transient", "irreversible"]), "where the action leaves it to the playbook"),
        may("undo", Record(&UNDO), "what takes it back"),
        may("accept", OneOf(&["irreversible"]), "that it cannot be taken back is accepted"),
        may("caps", Record(&CAPS), "what it may not go beyond"),
        may("for_each", Record(&LOOP), "once for each of a list: $item"),
        may("until", Expression, "done again until this is true"),
        may("every", Duration, "between two looks; 15s where nothing is said"),
        may("within", Duration, "in which it must become true"),
        may("may_silence", Bool, "whether it may silence the alert; true where nothing is said"),
        may("outputs", Named(&Record(&OUTPUT)), "typed values out of the answer, for $steps.ID.out.NAME"),
    ],
};

static RETRY: Table = Table {
    what: "retry",
    fields: &[
        must("attempts", Int(1, 10), "how often in all"),
        must("backoff", Duration, "between two attempts"),
        may("on", List(&Text), "only `refused`: what provably had no effect"),
    ],
};

static UNDO: Table = Table {
    what: "undo",
    fields: &[
        must("do", Text, "the action that takes it back"),
        may("with", Map(&Any), "its arguments"),
        must("timeout", Duration, "how long it may take"),
    ],
};

static CAPS: Table = Table {
    what: "caps",
    fields: &[
        may("max_spend", Coins, "LINK"),
        may("max_spend_native", Coins, "native coins, gas included"),
        may("max_items", Int(1, 1_000_000), "things changed or deleted"),
        may("max_targets", Int(1, 10_000), "systems acted on"),
    ],
};

static LOOP: Table = Table {
    what: "for_each",
    fields: &[
        must("over", Either(&Text, &List(&Scalar)), "a list, $params.NAME or $steps.ID.out.NAME"),
        may("max", Int(1, 256), "the most of them; a longer list is refused whole"),
        may("concurrency", Int(1, 16), "how many at once; 1 where nothing is said"),
    ],
};

static OUTPUT: Table = Table {
    what: "an output",
    fields: &[
        must("take", Text, "where in the answer it stands (pods.0.name)"),
        must("type", OneOf(&["string", "int", "double", "bool", "strings"]), "what it must be"),
        may("pattern", Regex, "what the whole text must match; a DNS label where nothing is said"),
        may("min", Number, "the least"),
        may("max", Number, "the most"),
        may("max_items", Int(1, 256), "the most items of a list"),
    ],
};

static VERIFY: Table = Table {
    what: "verify",
    fields: &[
        may("after", Duration, "before the first look; 0s where nothing is said"),
        must("until", Expression, "what must become true: alert, key, params, q, steps, verify.before"),
        may("every", Duration, "between two looks; 15s where nothing is said"),
        must("within", Duration, "in which it must become true"),
        may("hold", Duration, "for which it must stay true then"),
        may("else", OneOf(&["escalate", "undo"]), "what follows when it does not; escalate where nothing is said"),
    ],
};

static ANNOTATE: Table = Table {
    what: "annotate",
    fields: &[
        must("to", Name, "the channel"),
        may("reports", List(&Ident), "the steps whose reports the note holds"),
        may("note", Prose, "what it says besides"),
    ],
};

static ESCALATE: Table = Table {
    what: "escalate",
    fields: &[
        must("to", Name, "the channel"),
        must("deadline", Duration, "from the first write until the page, unless verified before"),
        may("note", Prose, "what the page says"),
    ],
};

static CASE: Table = Table {
    what: "a test",
    fields: &[
        must("name", Text, "what it shows"),
        must("alert", Either(&Text, &Record(&ALERT)), "a file beside the playbook, or the alert itself"),
        may("set", Map(&Any), "what is changed in the alert first (alert.status, alert.labels.NAME)"),
        may("params", Map(&Any), "parameters"),
        may("mock", Map(&Any), "what steps and queries (q.NAME) answer; a list is one answer after the other"),
        must("expect", Record(&EXPECT), "what must come of it"),
    ],
};

static ALERT: Table = Table {
    what: "an alert",
    fields: &[
        must("labels", Map(&Scalar), "its labels"),
        may("annotations", Map(&Scalar), "its annotations"),
        may("status", OneOf(&["firing", "resolved"]), "firing where nothing is said"),
    ],
};

static EXPECT: Table = Table {
    what: "what is expected",
    fields: &[
        may("decision", OneOf(&["run", "ignored", "denied", "cancelled"]), "what becomes of the alert"),
        may("reason", Text, "why"),
        may("path", List(&Ident), "the steps done, in order"),
        may("verified", Bool, "whether it was seen to work"),
        may("escalated", Bool, "whether somebody is paged"),
        may("undone", List(&Ident), "the steps taken back, in order"),
    ],
};
