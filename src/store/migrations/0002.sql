-- When an alert is to be looked at: at once where nothing is decided of it, later where it was put off; never where it has
-- no value. What was decided of it is kept in order; `state` of its row is the last of them.
ALTER TABLE inbox ADD COLUMN look_at INTEGER;
CREATE INDEX inbox_due ON inbox (look_at, id) WHERE look_at IS NOT NULL;
CREATE INDEX inbox_fingerprint ON inbox (fingerprint);
CREATE INDEX inbox_paged ON inbox (group_key) WHERE substr(state, 1, 5) = 'paged';

CREATE TABLE decision (
    inbox_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (inbox_id, seq)
) STRICT, WITHOUT ROWID;
