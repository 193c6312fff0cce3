//! The keys of systems that are asked, and of people who are told.

use super::Key;

/// The keys of `[pagerduty]`.
pub const PAGERDUTY: &[Key] = &[
    Key { name: "token", kind: "reference", default: "", doc: "the key of the REST API" },
    Key { name: "from", kind: "e-mail address", default: "", doc: "the user that notes are from" },
    Key { name: "url", kind: "URL", default: "https://api.pagerduty.com", doc: "where it is" },
];

/// The keys of `[page]`.
pub const PAGE: &[Key] = &[
    Key { name: "provider", kind: "pagerduty | opsgenie", default: "pagerduty", doc: "who takes pages" },
    Key {
        name: "routing_key",
        kind: "reference",
        default: "",
        doc: "the integration key of PagerDuty's Events API v2",
    },
    Key {
        name: "fallback",
        kind: "pagerduty | opsgenie | slack",
        default: "",
        doc: "who takes those that the first does not",
    },
    Key {
        name: "acknowledged_within",
        kind: "time",
        default: "",
        doc: "how long a person has to acknowledge a page before the fallback has it too",
    },
    Key { name: "url", kind: "URL", default: "https://events.pagerduty.com", doc: "where PagerDuty takes events" },
    Key {
        name: "declared",
        kind: "string",
        default: "",
        doc: "your word for how an alert pages although ira does nothing, where its routes cannot be seen",
    },
];

/// The keys of `[heartbeat]`.
pub const HEARTBEAT: &[Key] = &[
    Key { name: "url", kind: "URL or reference", default: "", doc: "what is asked by GET as long as all is well" },
    Key { name: "every", kind: "time", default: "1m", doc: "how often" },
    Key {
        name: "watchdog",
        kind: "time",
        default: "",
        doc: "within what time the alert `Watchdog` must have come through every intake of Alertmanager",
    },
];

/// The keys of `[slack]`.
pub const SLACK: &[Key] =
    &[Key { name: "webhook", kind: "reference", default: "", doc: "the URL of an incoming webhook" }];

/// The keys of `[opsgenie]`.
pub const OPSGENIE: &[Key] = &[
    Key { name: "key", kind: "reference", default: "", doc: "the key of an API integration" },
    Key { name: "url", kind: "URL", default: "https://api.opsgenie.com", doc: "where it is" },
];

/// The keys of `[datadog]`.
pub const DATADOG: &[Key] = &[
    Key { name: "api_key", kind: "reference", default: "", doc: "the key of the organisation" },
    Key { name: "application_key", kind: "reference", default: "", doc: "the key of somebody who may read monitors" },
    Key { name: "url", kind: "URL", default: "https://api.datadoghq.com", doc: "where it is; each region has its own" },
];

/// The keys of `[grafana]`.
pub const GRAFANA: &[Key] = &[
    Key { name: "url", kind: "URL or reference", default: "", doc: "where it is" },
    Key { name: "token", kind: "reference", default: "", doc: "the token of a service account that may read alerts" },
    Key { name: "user", kind: "string", default: "", doc: "a user, with `password`" },
    Key { name: "password", kind: "reference", default: "", doc: "its password" },
];

/// The keys of `[prometheus]`.
pub const PROMETHEUS: &[Key] = &[
    Key { name: "url", kind: "URL or reference", default: "", doc: "where it is" },
    Key { name: "token", kind: "reference", default: "", doc: "a bearer token" },
    Key { name: "user", kind: "string", default: "", doc: "a user, with `password`" },
    Key { name: "password", kind: "reference", default: "", doc: "its password" },
];

/// The keys of `[otlp]`.
pub const OTLP: &[Key] = &[
    Key {
        name: "url",
        kind: "URL or reference",
        default: "",
        doc: "where OTLP is taken over HTTP: http://127.0.0.1:4318",
    },
    Key { name: "token", kind: "reference", default: "", doc: "a bearer token" },
    Key { name: "user", kind: "string", default: "", doc: "a user, with `password`" },
    Key { name: "password", kind: "reference", default: "", doc: "its password" },
];

/// The keys of `[alertmanager]`.
pub const ALERTMANAGER: &[Key] = &[
    Key { name: "urls", kind: "URL or list", default: "", doc: "every Alertmanager of the pair" },
    Key { name: "settle", kind: "time", default: "2m", doc: "how long after its start its no is not believed" },
    Key { name: "token", kind: "reference", default: "", doc: "a bearer token" },
    Key { name: "user", kind: "string", default: "", doc: "a user, with `password`" },
    Key { name: "password", kind: "reference", default: "", doc: "its password" },
];

/// The keys of `[tickets.NAME]`.
pub const TICKETS: &[Key] = &[
    Key { name: "preset", kind: "jira | servicenow | github | http", default: "", doc: "what it speaks" },
    Key { name: "url", kind: "URL", default: "", doc: "where it is" },
    Key { name: "token", kind: "reference", default: "", doc: "a bearer token; with `user` a password (Jira's cloud)" },
    Key { name: "user", kind: "string", default: "", doc: "a user" },
    Key { name: "password", kind: "reference", default: "", doc: "its password" },
    Key { name: "project", kind: "string", default: "", doc: "a project, owner/repository, or a table" },
    Key { name: "kind", kind: "string", default: "Task", doc: "the kind of a Jira issue" },
    Key { name: "create", kind: "path", default: "", doc: "http: what takes a new ticket" },
    Key { name: "search", kind: "path", default: "", doc: "http: what is searched, with {{marker}} in it" },
    Key { name: "body", kind: "JSON", default: "", doc: "http: what is sent, with {{title}}, {{text}} and {{marker}}" },
    Key { name: "id", kind: "JSON pointer", default: "", doc: "http: where the answer holds the ticket's name" },
];

/// The keys of `[postgres.NAME]`, `[pgbouncer.NAME]` and `[redis.NAME]`.
pub const DATA: &[Key] = &[
    Key {
        name: "url",
        kind: "URL or reference",
        default: "",
        doc: "postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full, redis://HOST:PORT/0, rediss://…",
    },
    Key { name: "password", kind: "reference", default: "", doc: "its password: env:NAME, file:PATH, credential:NAME" },
    Key { name: "ca", kind: "path", default: "", doc: "PEM of the authority of its certificate; else the system's" },
    Key { name: "connect", kind: "time", default: "5s", doc: "how long it may take to connect" },
    Key { name: "answer", kind: "time", default: "10s", doc: "how long one answer may take" },
];

/// The keys of `[http]`.
pub const HTTP: &[Key] =
    &[Key { name: "allow", kind: "list", default: "", doc: "hosts and networks that are not public" }];

/// The keys of `[sources.NAME]`.
pub const SOURCE: &[Key] = &[
    Key {
        name: "kind",
        kind: "alertmanager | pagerduty | sns | datadog | grafana | generic",
        default: "",
        doc: "what it speaks",
    },
    Key { name: "token", kind: "reference or list", default: "", doc: "a bearer token" },
    Key { name: "user", kind: "string", default: "", doc: "a user, with `password`" },
    Key { name: "password", kind: "reference or list", default: "", doc: "its password" },
    Key { name: "secret", kind: "reference or list", default: "", doc: "what signs the body, or stands in `header`" },
    Key { name: "header", kind: "name of a header", default: "", doc: "where the secret stands" },
    Key {
        name: "timestamp_header",
        kind: "name of a header",
        default: "",
        doc: "grafana: where the signed time stands",
    },
    Key { name: "certificate", kind: "name or list", default: "", doc: "names of its client certificate" },
    Key { name: "unauthenticated", kind: "true | false", default: "false", doc: "nothing proves it; only on loopback" },
    Key { name: "topics", kind: "ARN or list", default: "", doc: "sns: the topics that are listened to" },
    Key {
        name: "receiver",
        kind: "name",
        default: "",
        doc: "alertmanager: its receiver that sends here; what it sends is asked for at start",
    },
    Key { name: "max_body_mib", kind: "integer", default: "", doc: "the longest body" },
    Key { name: "max_alerts", kind: "integer", default: "10000", doc: "the most alerts in a body" },
    Key { name: "alerts", kind: "path", default: "", doc: "generic: the list of alerts" },
    Key { name: "id", kind: "path", default: "", doc: "generic: the sender's own id of an alert's message" },
    Key { name: "status", kind: "path", default: "", doc: "generic: whether it is over" },
    Key { name: "resolved", kind: "text or list", default: "", doc: "generic: the values of `status` that say so" },
    Key { name: "starts_at", kind: "path", default: "", doc: "generic: when it began" },
    Key { name: "fingerprint", kind: "path", default: "", doc: "generic: what is alerting" },
    Key { name: "group", kind: "path", default: "", doc: "generic: the sender's group" },
    Key { name: "labels", kind: "path or paths by name", default: "", doc: "generic: what identifies it" },
    Key { name: "annotations", kind: "path or paths by name", default: "", doc: "generic: what describes it" },
];

/// The keys of `[war_room]`.
pub const WAR_ROOM: &[Key] = &[
    Key { name: "meeting", kind: "URL or reference", default: "", doc: "where people meet" },
    Key { name: "products", kind: "tables", default: "", doc: "how a product is told: [war_room.products.NAME]" },
];

/// The keys of `[war_room.products.NAME]`.
pub const PRODUCT: &[Key] = &[
    Key { name: "match", kind: "table", default: "", doc: "labels and values (`*`: any); one is enough" },
    Key { name: "key", kind: "label", default: "", doc: "the label with the key that is shown" },
];
