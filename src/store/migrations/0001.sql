-- Times are unix milliseconds by the store's clock; a run that has not ended has no ended_at.
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    schema INTEGER NOT NULL,
    cluster_id TEXT NOT NULL,
    store_epoch INTEGER NOT NULL,
    high_water INTEGER NOT NULL
) STRICT;

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    group_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (source, delivery_id)
) STRICT;
CREATE INDEX inbox_last_seen ON inbox (last_seen);

CREATE TABLE incident (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'closed')),
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX incident_open ON incident (fingerprint) WHERE status = 'open';

CREATE TABLE playbook (
    revision TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    incident_id INTEGER,
    inbox_id INTEGER,
    playbook TEXT,
    revision TEXT,
    title TEXT NOT NULL,
    params TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    claimable INTEGER NOT NULL,
    page TEXT NOT NULL,
    admitted_at INTEGER NOT NULL,
    plan_hash TEXT,
    state TEXT NOT NULL,
    phase TEXT NOT NULL,
    cursor TEXT NOT NULL,
    fence INTEGER NOT NULL,
    owner TEXT,
    lease_until INTEGER NOT NULL,
    wake_at INTEGER,
    escalate_by INTEGER,
    no_more_writes INTEGER NOT NULL,
    cancelled_by TEXT,
    first_write_at INTEGER,
    locks TEXT NOT NULL,
    ended_at INTEGER,
    note TEXT NOT NULL,
    seq INTEGER NOT NULL,
    head TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX run_active ON run (incident_id, playbook) WHERE ended_at IS NULL AND incident_id IS NOT NULL;
CREATE INDEX run_open ON run (id) WHERE ended_at IS NULL;
CREATE INDEX run_due ON run (wake_at, id) WHERE ended_at IS NULL AND claimable = 1;
CREATE INDEX run_late ON run (escalate_by) WHERE ended_at IS NULL AND no_more_writes = 0;
CREATE INDEX run_page ON run (page);
CREATE INDEX run_incident ON run (incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX run_inbox ON run (inbox_id) WHERE inbox_id IS NOT NULL;
CREATE INDEX run_revision ON run (revision) WHERE revision IS NOT NULL;
CREATE INDEX run_ended ON run (ended_at, id) WHERE ended_at IS NOT NULL;

CREATE TABLE step (
    attempt_id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    effect TEXT NOT NULL,
    reach TEXT NOT NULL,
    undo INTEGER NOT NULL,
    state TEXT NOT NULL,
    effect_key TEXT,
    fence INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    ended_at INTEGER,
    begun TEXT NOT NULL,
    added TEXT NOT NULL,
    exit TEXT NOT NULL,
    output_ref TEXT,
    UNIQUE (run_id, path, attempt)
) STRICT;
CREATE INDEX step_open ON step (run_id, attempt_id) WHERE state IN ('started', 'unknown');

CREATE TABLE event (
    run_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE approval (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    path TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    decision INTEGER,
    actor TEXT
) STRICT;
CREATE INDEX approval_run ON approval (run_id);

CREATE TABLE guard (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    run_id INTEGER,
    fence INTEGER NOT NULL,
    until INTEGER,
    tokens TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX guard_run ON guard (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    run_id INTEGER,
    mail TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    channel TEXT NOT NULL,
    payload TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    accepted_at INTEGER,
    human_ack_at INTEGER,
    error TEXT
) STRICT;
CREATE INDEX outbox_dedup ON outbox (dedup_key);
CREATE INDEX outbox_pending ON outbox (id) WHERE state = 'pending';
CREATE INDEX outbox_run ON outbox (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE worker (
    id TEXT PRIMARY KEY,
    boot_id TEXT NOT NULL,
    heartbeat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
