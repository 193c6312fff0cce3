//! Everything else in SQLite.

use super::map::{self, select};
use super::tx::{Columns, Desk, id, int, json, maybe_int};
use crate::store::model::{
    Approval, ApprovalId, DecisionRow, GuardRow, Identity, InboxId, InboxRow, Incident, IncidentId, MailId, OutboxRow,
    RunId,
};
use crate::store::rows::{Res, Rows, RunRows as _};

impl Rows for Desk<'_> {
    fn identity(&self) -> Res<Identity> {
        let known = self.one("SELECT cluster_id, store_epoch, high_water FROM meta", &[], |row| {
            let mut c = Columns::of(row);
            Ok(Identity { cluster_id: c.get()?, store_epoch: c.int()?, high_water: c.int()? })
        })?;
        Ok(known.unwrap_or_default())
    }

    fn bytes(&self) -> Res<Option<u64>> {
        let pages = "SELECT (p.page_count - f.freelist_count) * s.page_size \
                     FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s";
        self.one(pages, &[], id)
    }

    fn guard(&self, key: &str) -> Res<Option<GuardRow>> {
        self.one(select!(guard "WHERE key = ?1"), &[&key], map::guard)
    }

    fn guards(&self) -> Res<Vec<GuardRow>> {
        self.many(select!(guard "ORDER BY key"), &[], map::guard)
    }

    fn guards_of(&self, run: RunId) -> Res<Vec<GuardRow>> {
        self.many(select!(guard "WHERE run_id = ?1 ORDER BY key"), &[&int(run.0)], map::guard)
    }

    fn put_guard(&mut self, guard: &GuardRow) -> Res<()> {
        let sql = "INSERT INTO guard (key, kind, run_id, fence, until, tokens, state) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO UPDATE SET kind = ?2, run_id = ?3, \
                   fence = ?4, until = ?5, tokens = ?6, state = ?7";
        let run = guard.run.map(|id| int(id.0));
        let until = maybe_int(guard.until);
        let tokens = guard.tokens.to_string();
        let state = json(&guard.state);
        self.run(sql, &[&guard.key, &guard.kind.word(), &run, &int(guard.fence), &until, &tokens, &state])?;
        Ok(())
    }

    fn drop_guard(&mut self, key: &str) -> Res<()> {
        self.run("DELETE FROM guard WHERE key = ?1", &[&key])?;
        Ok(())
    }

    fn alert(&self, source: &str, delivery_id: &str) -> Res<Option<InboxRow>> {
        self.one(select!(inbox "WHERE source = ?1 AND delivery_id = ?2"), &[&source, &delivery_id], map::alert)
    }

    fn alert_of(&self, id: InboxId) -> Res<Option<InboxRow>> {
        self.one(select!(inbox "WHERE id = ?1"), &[&int(id.0)], map::alert)
    }

    fn alerts(&self, max: usize) -> Res<Vec<InboxRow>> {
        self.many(select!(inbox "ORDER BY id DESC LIMIT ?1"), &[&int(max as u64)], map::alert)
    }

    fn insert_alert(&mut self, row: &mut InboxRow) -> Res<bool> {
        let sql = "INSERT INTO inbox (source, delivery_id, fingerprint, group_key, payload, received_at, last_seen, \
                   seen, state, look_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
                   ON CONFLICT (source, delivery_id) DO NOTHING";
        let (received, seen) = (int(row.received_at), int(row.last_seen));
        let new = self.run(
            sql,
            &[
                &row.source,
                &row.delivery_id,
                &row.fingerprint,
                &row.group_key,
                &row.payload,
                &received,
                &seen,
                &int(row.seen),
                &row.state,
                &maybe_int(row.look_at),
            ],
        )?;
        if new == 0 {
            return Ok(false);
        }
        row.id = InboxId(u64::try_from(self.connection.last_insert_rowid()).unwrap_or(0));
        Ok(true)
    }

    fn put_alert(&mut self, row: &InboxRow) -> Res<()> {
        let sql = "UPDATE inbox SET last_seen = ?2, seen = ?3, state = ?4, look_at = ?5 WHERE id = ?1";
        let look = maybe_int(row.look_at);
        self.run(sql, &[&int(row.id.0), &int(row.last_seen), &int(row.seen), &row.state, &look])?;
        Ok(())
    }

    fn put_decided(&mut self, row: &InboxRow) -> Res<()> {
        let sql = "UPDATE inbox SET state = ?2, look_at = ?3 WHERE id = ?1";
        self.run(sql, &[&int(row.id.0), &row.state, &maybe_int(row.look_at)])?;
        Ok(())
    }

    fn is_alone(&self, row: &InboxRow) -> Res<bool> {
        let sql = "SELECT id FROM inbox WHERE fingerprint = ?1 AND id <> ?2 LIMIT 1";
        Ok(self.one(sql, &[&row.fingerprint, &int(row.id.0)], id)?.is_none())
    }

    fn alerts_of(&self, fingerprint: &str, max: usize) -> Res<Vec<InboxRow>> {
        let max = int(max as u64);
        self.many(select!(inbox "WHERE fingerprint = ?1 ORDER BY id DESC LIMIT ?2"), &[&fingerprint, &max], map::alert)
    }

    fn alerts_due(&self, until: u64, max: usize) -> Res<Vec<InboxRow>> {
        let sql = select!(inbox "WHERE look_at IS NOT NULL AND look_at <= ?1 ORDER BY look_at, id LIMIT ?2");
        self.many(sql, &[&int(until), &int(max as u64)], map::alert)
    }

    fn count_due(&self, until: u64, most: usize) -> Res<(u64, Option<u64>, Option<u64>)> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM inbox WHERE look_at IS NOT NULL AND look_at <= ?1 LIMIT ?2)";
        let due = self.one(sql, &[&int(until), &int(most as u64)], id)?.unwrap_or(0);
        let first = "SELECT min(look_at) FROM inbox WHERE look_at IS NOT NULL AND look_at <= ?1";
        let next = "SELECT min(look_at) FROM inbox WHERE look_at IS NOT NULL AND look_at > ?1";
        let min = |sql| self.one(sql, &[&int(until)], |row| Columns::of(row).maybe_int());
        Ok((due, min(first)?.flatten(), min(next)?.flatten()))
    }

    fn paged(&self, group_key: &str) -> Res<bool> {
        let sql = "SELECT id FROM inbox WHERE group_key = ?1 AND substr(state, 1, 5) = 'paged' LIMIT 1";
        Ok(self.one(sql, &[&group_key], id)?.is_some())
    }

    fn add_decision(&mut self, id: InboxId, at: u64, what: &str) -> Res<()> {
        let sql = "INSERT INTO decision (inbox_id, seq, at, what) \
                   SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3 FROM decision WHERE inbox_id = ?1";
        self.run(sql, &[&int(id.0), &int(at), &what])?;
        Ok(())
    }

    fn decisions(&self, id: InboxId) -> Res<Vec<DecisionRow>> {
        self.many("SELECT at, what FROM decision WHERE inbox_id = ?1 ORDER BY seq", &[&int(id.0)], |row| {
            let mut c = Columns::of(row);
            Ok(DecisionRow { at: c.int()?, what: c.get()? })
        })
    }

    fn drop_alerts(&mut self, until: u64) -> Res<u64> {
        let until = int(until);
        let alerts = self.run(
            "DELETE FROM inbox WHERE last_seen <= ?1 AND look_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM run WHERE inbox_id = inbox.id)",
            &[&until],
        )?;
        self.run("DELETE FROM decision WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE id = decision.inbox_id)", &[])?;
        self.run(
            "DELETE FROM incident WHERE status = 'closed' AND last <= ?1 \
             AND NOT EXISTS (SELECT 1 FROM run WHERE incident_id = incident.id)",
            &[&until],
        )?;
        self.run("DELETE FROM playbook WHERE NOT EXISTS (SELECT 1 FROM run WHERE revision = playbook.revision)", &[])?;
        Ok(alerts as u64)
    }

    fn open_incident(&self, fingerprint: &str) -> Res<Option<Incident>> {
        let sql = "SELECT id, fingerprint, status, first, last, count FROM incident \
                   WHERE fingerprint = ?1 AND status = 'open'";
        self.one(sql, &[&fingerprint], map::incident)
    }

    fn insert_incident(&mut self, incident: &mut Incident) -> Res<()> {
        let sql = "INSERT INTO incident (fingerprint, status, first, last, count) VALUES (?1, 'open', ?2, ?3, ?4)";
        let (first, last, count) = (int(incident.first), int(incident.last), int(incident.count));
        incident.id = IncidentId(self.insert(sql, &[&incident.fingerprint, &first, &last, &count])?);
        Ok(())
    }

    fn put_incident(&mut self, incident: &Incident) -> Res<()> {
        let status = if incident.open { "open" } else { "closed" };
        let sql = "UPDATE incident SET status = ?2, last = ?3, count = ?4 WHERE id = ?1";
        self.run(sql, &[&int(incident.id.0), &status, &int(incident.last), &int(incident.count)])?;
        Ok(())
    }

    fn playbook(&self, revision: &str) -> Res<Option<String>> {
        self.one("SELECT text FROM playbook WHERE revision = ?1", &[&revision], |row| row.get(0))
    }

    fn put_playbook(&mut self, revision: &str, text: &str) -> Res<()> {
        self.run("INSERT INTO playbook (revision, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING", &[&revision, &text])?;
        Ok(())
    }

    fn approval(&self, id: ApprovalId) -> Res<Option<Approval>> {
        self.one(select!(approval "WHERE id = ?1"), &[&int(id.0)], map::approval)
    }

    fn approvals(&self, run: RunId) -> Res<Vec<Approval>> {
        self.many(select!(approval "WHERE run_id = ?1 ORDER BY id"), &[&int(run.0)], map::approval)
    }

    fn insert_approval(&mut self, approval: &mut Approval) -> Res<()> {
        let sql = "INSERT INTO approval (run_id, path, plan_hash, expires_at, decision, actor) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (run, expires) = (int(approval.run.0), int(approval.expires_at));
        approval.id = ApprovalId(self.insert(
            sql,
            &[&run, &approval.path, &approval.plan_hash, &expires, &approval.decision, &approval.actor],
        )?);
        Ok(())
    }

    fn put_approval(&mut self, approval: &Approval) -> Res<()> {
        let sql = "UPDATE approval SET decision = ?2, actor = ?3 WHERE id = ?1";
        self.run(sql, &[&int(approval.id.0), &approval.decision, &approval.actor])?;
        Ok(())
    }

    fn mail(&self, id: MailId) -> Res<Option<OutboxRow>> {
        self.one(select!(outbox "WHERE id = ?1"), &[&int(id.0)], map::mail)
    }

    fn mail_of_key(&self, key: &str) -> Res<Option<OutboxRow>> {
        self.one(select!(outbox "WHERE key = ?1"), &[&key], map::mail)
    }

    fn mails_of(&self, dedup_key: &str) -> Res<Vec<OutboxRow>> {
        self.many(select!(outbox "WHERE dedup_key = ?1 ORDER BY id"), &[&dedup_key], map::mail)
    }

    fn mails_about(&self, run: RunId, dedup_key: &str) -> Res<Vec<OutboxRow>> {
        let sql = select!(outbox "WHERE dedup_key = ?1 OR run_id = ?2 ORDER BY id");
        self.many(sql, &[&dedup_key, &int(run.0)], map::mail)
    }

    fn mails(&self, pending: bool) -> Res<Vec<OutboxRow>> {
        if pending {
            self.many(select!(outbox "WHERE state = 'pending' ORDER BY id"), &[], map::mail)
        } else {
            self.many(select!(outbox "ORDER BY id"), &[], map::mail)
        }
    }

    fn insert_mail(&mut self, row: &mut OutboxRow) -> Res<()> {
        let sql = "INSERT INTO outbox (key, run_id, mail, dedup_key, channel, payload, reason, state, attempts, \
                   next_at, claimed_until, created_at, accepted_at, human_ack_at, error) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
        row.id = MailId(self.insert(
            sql,
            &[
                &row.key,
                &row.run.map(|id| int(id.0)),
                &row.mail.word(),
                &row.dedup_key,
                &row.channel,
                &json(&row.payload),
                &row.reason,
                &row.state.word(),
                &row.attempts,
                &int(row.next_at),
                &int(row.claimed_until),
                &int(row.created_at),
                &maybe_int(row.accepted_at),
                &maybe_int(row.human_ack_at),
                &row.error,
            ],
        )?);
        Ok(())
    }

    fn put_mail(&mut self, row: &OutboxRow) -> Res<()> {
        let sql = "UPDATE outbox SET run_id = ?2, mail = ?3, reason = ?4, state = ?5, attempts = ?6, next_at = ?7, \
                   claimed_until = ?8, accepted_at = ?9, human_ack_at = ?10, error = ?11 WHERE id = ?1";
        self.run(
            sql,
            &[
                &int(row.id.0),
                &row.run.map(|id| int(id.0)),
                &row.mail.word(),
                &row.reason,
                &row.state.word(),
                &row.attempts,
                &int(row.next_at),
                &int(row.claimed_until),
                &maybe_int(row.accepted_at),
                &maybe_int(row.human_ack_at),
                &row.error,
            ],
        )?;
        Ok(())
    }

    fn beat(&mut self, worker: &str, boot_id: &str) -> Res<()> {
        let sql = "INSERT INTO worker (id, boot_id, heartbeat) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (id) DO UPDATE SET boot_id = ?2, heartbeat = ?3";
        self.run(sql, &[&worker, &boot_id, &int(self.now())])?;
        Ok(())
    }
}
