//! What is let go.

use crate::store::ask::{Dropped, Retention};
use crate::store::model::RunId;
use crate::store::rows::{Res, Rows};
use crate::store::words::{Guard, MailState};

use super::millis;

pub(in crate::store) fn retain(rows: &mut dyn Rows, keep: &Retention) -> Res<Dropped> {
    let now = rows.now();
    let mut dropped = Dropped::default();
    for id in rows.ended(now.saturating_sub(millis(keep.runs)))? {
        if free(rows, id)? {
            rows.drop_run(id)?;
            dropped.runs += 1;
        }
    }
    if let Some(limit) = keep.bytes {
        for id in rows.ended(now)? {
            if rows.bytes()?.is_none_or(|bytes| bytes <= limit) {
                break;
            }
            if free(rows, id)? {
                rows.drop_run(id)?;
                dropped.runs += 1;
            }
        }
    }
    dropped.alerts = rows.drop_alerts(now.saturating_sub(millis(keep.dedup)))?;
    for row in rows.guards()? {
        // A breaker's end is not the end of what it counts.
        if row.kind != Guard::Breaker && row.until.is_some_and(|until| until <= now) {
            rows.drop_guard(&row.key)?;
        }
    }
    Ok(dropped)
}

/// Whether nothing hangs on a run: no attempt is open, no lock is held, nothing waits to be sent.
fn free(rows: &dyn Rows, id: RunId) -> Res<bool> {
    let Some(run) = rows.run(id)? else { return Ok(false) };
    let unsent = |state: MailState| matches!(state, MailState::Armed | MailState::Pending);
    Ok(rows.open_steps(Some(id))?.is_empty()
        && !rows.guards_of(id)?.iter().any(|row| row.kind == Guard::Lock)
        && !rows.mails_of(&run.page)?.iter().any(|row| unsent(row.state) && row.run == Some(id)))
}
