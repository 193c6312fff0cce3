//! Every key of a configuration file, once: for reading, for suggestions, for help.

mod drill;
mod systems;

pub use drill::*;
pub use systems::*;

/// A key of a configuration file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name within its table.
    pub name: &'static str,
    /// What it takes.
    pub kind: &'static str,
    /// Its value where nobody sets it; empty where there is none.
    pub default: &'static str,
    /// What it is for.
    pub doc: &'static str,
}

/// The tables and keys at the top of a file.
pub const TOP: &[Key] = &[
    Key { name: "network", kind: "name or alias", default: "", doc: "the network where none is named" },
    Key { name: "output", kind: "table", default: "", doc: "how results are shown" },
    Key { name: "networks", kind: "table", default: "", doc: "one table for each network: [networks.NAME]" },
    Key { name: "store", kind: "sqlite:PATH", default: "", doc: "where runs are kept" },
    Key { name: "budgets", kind: "tables", default: "", doc: "what playbooks may do in a time: [budgets.NAME]" },
    Key { name: "playbooks", kind: "tables", default: "", doc: "how far each goes by itself: [playbooks.NAME]" },
    Key { name: "maintenance", kind: "tables", default: "", doc: "when nothing is written: [maintenance.NAME]" },
    Key { name: "drill", kind: "tables", default: "", doc: "what may be broken to see it mended: [drill.NAME]" },
    Key { name: "users", kind: "tables", default: "", doc: "who may look at runs, and who decides: [users.NAME]" },
    Key { name: "public_url", kind: "URL", default: "", doc: "where people reach the daemon's pages" },
    Key { name: "daemon", kind: "table", default: "", doc: "how `ira daemon` listens and works" },
    Key { name: "nodes", kind: "table", default: "", doc: "one table for each Chainlink node: [nodes.NAME]" },
    Key { name: "scripts", kind: "table", default: "", doc: "the scripts that may be run on this host" },
    Key { name: "systemd", kind: "table", default: "", doc: "the service manager" },
    Key { name: "pagerduty", kind: "table", default: "", doc: "PagerDuty's REST API: incidents and their notes" },
    Key { name: "page", kind: "table", default: "", doc: "who takes pages" },
    Key { name: "heartbeat", kind: "table", default: "", doc: "who pages when ira is not heard any more" },
    Key { name: "slack", kind: "table", default: "", doc: "the channel for messages" },
    Key { name: "opsgenie", kind: "table", default: "", doc: "Opsgenie's alert API" },
    Key { name: "datadog", kind: "table", default: "", doc: "asked whether its monitors still fire" },
    Key { name: "grafana", kind: "table", default: "", doc: "asked whether its rules still fire" },
    Key { name: "prometheus", kind: "table", default: "", doc: "where metrics are read" },
    Key { name: "alertmanager", kind: "table", default: "", doc: "who says whether an alert still fires" },
    Key { name: "otlp", kind: "table", default: "", doc: "who takes the traces of the daemon's runs" },
    Key { name: "aws", kind: "table", default: "", doc: "which accounts of AWS, and with whose credentials" },
    Key { name: "kubernetes", kind: "table", default: "", doc: "which cluster, and with whose credentials" },
    Key { name: "tickets", kind: "tables", default: "", doc: "where tickets are made: [tickets.NAME]" },
    Key { name: "war_room", kind: "table", default: "", doc: "where people are called together" },
    Key { name: "postgres", kind: "tables", default: "", doc: "PostgreSQL servers: [postgres.NAME]" },
    Key { name: "pgbouncer", kind: "tables", default: "", doc: "the console of each PgBouncer: [pgbouncer.NAME]" },
    Key { name: "redis", kind: "tables", default: "", doc: "caches: [redis.NAME]" },
    Key { name: "sources", kind: "tables", default: "", doc: "who may send alerts: [sources.NAME]" },
    Key { name: "http", kind: "table", default: "", doc: "what a URL from an alert may lead to" },
];

/// The keys of `[scripts]`.
pub const SCRIPTS: &[Key] = &[
    Key { name: "folder", kind: "path", default: "", doc: "the folder with those that are known by name" },
    Key { name: "end_of_options", kind: "true | false", default: "false", doc: "put `--` before the arguments" },
    Key {
        name: "runner",
        kind: "path | same-user",
        default: "",
        doc: "as whom the daemon runs them: the runner's socket, or as itself",
    },
    Key { name: "memory_mib", kind: "integer", default: "4096", doc: "address space of each of their processes" },
];

/// The keys of `[daemon]`.
pub const DAEMON: &[Key] = &[
    Key { name: "listen", kind: "address:port", default: "127.0.0.1:9097", doc: "where alerts come in" },
    Key { name: "admin", kind: "address:port", default: "", doc: "where health and metrics are read; loopback only" },
    Key { name: "url", kind: "URL", default: "", doc: "the daemon that is asked by hand: its `admin`" },
    Key { name: "token", kind: "reference", default: "", doc: "your token there, of which it has the hash in `users`" },
    Key { name: "admin", kind: "address:port", default: "", doc: "where health, metrics and pages are; loopback only" },
    Key { name: "tls", kind: "table", default: "", doc: "what `listen` speaks TLS with: [daemon.tls]" },
    Key {
        name: "admin_tls",
        kind: "table",
        default: "",
        doc: "the same for `admin`, which may then be reached by others",
    },
    Key { name: "grace", kind: "time", default: "30s", doc: "how long work under way has to end at a stop" },
    Key { name: "workers", kind: "integer", default: "8", doc: "how many runs go on at the same time" },
    Key { name: "connections", kind: "integer", default: "512", doc: "the most connections at the same time" },
    Key { name: "memory_mib", kind: "integer", default: "64", doc: "the most that bodies take that are being read" },
    Key { name: "queue", kind: "integer", default: "100000", doc: "the most alerts that wait to be decided" },
    Key { name: "no_page", kind: "severities", default: "none, info", doc: "what wakes nobody where no playbook is" },
    Key { name: "pages_per_minute", kind: "integer", default: "20", doc: "more than these become one" },
    Key {
        name: "page_after",
        kind: "time",
        default: "1m",
        doc: "how long the store may fail before somebody is woken",
    },
    Key { name: "runs_per_minute", kind: "integer", default: "100", doc: "more than these are a storm: writes wait" },
];

/// The keys of `[daemon.tls]` and `[daemon.admin_tls]`.
pub const TLS: &[Key] = &[
    Key {
        name: "certificate",
        kind: "reference",
        default: "",
        doc: "PEM: the certificate, and those that lead to its authority",
    },
    Key { name: "key", kind: "reference", default: "", doc: "PEM: its key" },
    Key { name: "client_ca", kind: "reference", default: "", doc: "PEM: who signs the certificates of those who come" },
];

/// The keys of `[systemd]`.
pub const SYSTEMD: &[Key] =
    &[Key { name: "bus", kind: "D-Bus address", default: "", doc: "in place of the system's own bus" }];

/// The keys of `[kubernetes]`.
pub const KUBERNETES: &[Key] = &[
    Key { name: "kubeconfig", kind: "path", default: "", doc: "in place of KUBECONFIG and ~/.kube/config" },
    Key { name: "context", kind: "name", default: "", doc: "the context in it; its current one" },
    Key { name: "namespace", kind: "name", default: "", doc: "where none is named; that of the context" },
];

/// The keys of `[aws]` and `[aws.NAME]`.
pub const AWS: &[Key] = &[
    Key { name: "region", kind: "name", default: "", doc: "in place of AWS_REGION and that of the profile" },
    Key { name: "profile", kind: "name", default: "", doc: "whose credentials: a profile of ~/.aws" },
    Key { name: "endpoint", kind: "URL or reference", default: "", doc: "in place of AWS_ENDPOINT_URL" },
    Key { name: "connect", kind: "time", default: "5s", doc: "how long it may take to connect" },
    Key { name: "answer", kind: "time", default: "20s", doc: "how long one answer may take" },
];

/// The keys of `[output]`.
pub const OUTPUT: &[Key] = &[
    Key { name: "format", kind: "table | markdown | json", default: "table", doc: "the form of results" },
    Key { name: "color", kind: "auto | always | never", default: "auto", doc: "when to colour" },
    Key { name: "wide", kind: "true | false", default: "false", doc: "addresses and names whole" },
    Key { name: "verbose", kind: "true | false", default: "false", doc: "healthy rows too" },
];

/// The keys of `[networks.NAME]`.
pub const NETWORK: &[Key] = &[
    Key { name: "chain_id", kind: "integer", default: "", doc: "EIP-155 chain id; an endpoint of another is refused" },
    Key {
        name: "rpc",
        kind: "string or list",
        default: "",
        doc: "endpoints: URL, env:NAME, file:PATH, credential:NAME",
    },
    Key { name: "aliases", kind: "list of names", default: "", doc: "other names; added to those that ship" },
    Key { name: "native", kind: "string", default: "ETH", doc: "symbol of the coin that pays for gas" },
    Key { name: "block_time_seconds", kind: "number", default: "", doc: "seconds between blocks" },
    Key { name: "link", kind: "address", default: "", doc: "the LINK token" },
    Key {
        name: "multicall3",
        kind: "address",
        default: "0xcA11bde05977b3631167028862bE2a173976CA11",
        doc: "the Multicall3 contract",
    },
    Key { name: "sequencer", kind: "address", default: "", doc: "proxy of the L2 sequencer uptime feed" },
    Key { name: "explorer", kind: "URL", default: "", doc: "base of block explorer links" },
    Key { name: "directory", kind: "path or URL", default: "", doc: "the list of its published feeds" },
    Key { name: "requests_per_second", kind: "integer", default: "20", doc: "limit for each endpoint" },
    Key { name: "timeout_seconds", kind: "integer", default: "10", doc: "how long one request may take" },
    Key { name: "quorum", kind: "integer", default: "1", doc: "how many endpoints must agree on a read" },
    Key { name: "signer", kind: "table", default: "", doc: "the key that signs transactions" },
    Key { name: "vrf", kind: "table", default: "", doc: "its VRF coordinators, and whose requests may be paid for" },
];

/// The keys of `[networks.NAME.signer]`.
pub const SIGNER: &[Key] = &[
    Key { name: "keystore", kind: "path or credential:NAME", default: "", doc: "an encrypted keystore (JSON v3)" },
    Key { name: "password", kind: "reference", default: "", doc: "its password: env:NAME, file:PATH, credential:NAME" },
    Key { name: "max_fee_gwei", kind: "integer", default: "500", doc: "the most that is offered for a unit of gas" },
    Key { name: "confirmations", kind: "integer", default: "2", doc: "blocks that must hold a transaction" },
];

/// The keys of `[networks.NAME.vrf]`.
pub const VRF: &[Key] = &[
    Key {
        name: "coordinators",
        kind: "list of addresses",
        default: "",
        doc: "VRF coordinators; added to those that ship",
    },
    Key {
        name: "fund",
        kind: "list",
        default: "",
        doc: "whose requests may be paid for: sub:ID, owner:ADDRESS, consumer:ADDRESS",
    },
];

/// The keys of `[budgets.NAME]`.
pub const BUDGET: &[Key] = &[
    Key { name: "max", kind: "integer", default: "", doc: "the most runs that may begin to write in a window" },
    Key { name: "link", kind: "amount", default: "", doc: "the most LINK that may be spent in a window" },
    Key { name: "native", kind: "amount", default: "", doc: "the most native coins that may be spent in a window" },
    Key { name: "window", kind: "time", default: "", doc: "how long a window is: 1h" },
    Key { name: "per", kind: "label", default: "", doc: "a budget for each value of this label of the alert" },
];

/// The keys of `[users.NAME]`.
pub const USER: &[Key] = &[
    Key {
        name: "token",
        kind: "sha256:HASH",
        default: "",
        doc: "the hash of the token: `ira config token` makes both",
    },
    Key { name: "role", kind: "viewer | approver | operator | admin", default: "viewer", doc: "what the user may do" },
];

/// The keys of `[playbooks.NAME]`.
pub const PLAYBOOK: &[Key] = &[
    Key {
        name: "mode",
        kind: "observe | suggest | approve | auto",
        default: "",
        doc: "how far it goes by itself; the file's own word where none is set",
    },
    Key {
        name: "params",
        kind: "table of strings",
        default: "",
        doc: "what its parameters are where nobody gives another value",
    },
    Key {
        name: "targets",
        kind: "table of lists",
        default: "",
        doc: "what alert data may point a write at, by label, beside the playbook's own targets",
    },
];

/// The keys of `[maintenance.NAME]`.
pub const MAINTENANCE: &[Key] = &[
    Key { name: "from", kind: "time with zone", default: "", doc: "its beginning" },
    Key { name: "until", kind: "time with zone", default: "", doc: "its end" },
    Key { name: "scope", kind: "string", default: "*", doc: "a playbook, a target, or * for everything" },
];

/// The keys of `[nodes.NAME]`; each is needed.
pub const NODE: &[Key] = &[
    Key { name: "url", kind: "URL or reference", default: "", doc: "base of the node's API" },
    Key { name: "email", kind: "string", default: "", doc: "who logs in; to read, the role `view` is enough" },
    Key { name: "password", kind: "reference", default: "", doc: "the password: env:NAME, file:PATH, credential:NAME" },
    Key { name: "network", kind: "name or alias", default: "", doc: "the network that it serves" },
];
