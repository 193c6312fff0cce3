//! An alert and its run.

use crate::store::ask::{Admission, Admit, Incoming};
use crate::store::event::What;
use crate::store::model::{InboxId, Incident, IncidentId, Run};
use crate::store::rows::{Res, Rows};

use super::{after, intake, log, need, outbox};

pub(in crate::store) fn admit(rows: &mut dyn Rows, ask: &Admit) -> Res<Admission> {
    if let Some(id) = rows.run_of_key(&ask.key)? {
        if let Some(incoming) = &ask.alert {
            seen(rows, incoming, ask.received)?;
        }
        decided(rows, ask, &format!("run {id}"))?;
        return Ok(Admission::Again(need(rows, id)?));
    }
    let (inbox, incident) = match &ask.alert {
        Some(incoming) => {
            let (inbox, incident) = seen(rows, incoming, ask.received)?;
            (Some(inbox), incident)
        }
        None => (None, None),
    };
    if let Some(text) = &ask.playbook {
        rows.put_playbook(&text.revision, &text.text)?;
        if let Some(incident) = incident
            && let Some(active) = rows.active_run(incident, &text.name)?
        {
            decided(rows, ask, &format!("run {active}"))?;
            return Ok(Admission::Active(need(rows, active)?));
        }
    }
    let now = rows.now();
    let mut run = Run {
        key: ask.key.clone(),
        incident,
        inbox,
        playbook: ask.playbook.as_ref().map(|text| text.name.clone()),
        revision: ask.playbook.as_ref().map(|text| text.revision.clone()),
        title: ask.title.clone(),
        params: ask.params.clone(),
        by: ask.by.clone(),
        claimable: ask.claimable,
        wake_at: Some(now),
        escalate_by: ask.escalate_in.map(|length| after(rows, length)),
        page: ask.page.as_ref().map_or_else(|| format!("ira:{}", ask.key), |page| page.dedup_key.clone()),
        admitted_at: now,
        ..Run::default()
    };
    rows.insert_run(&mut run)?;
    let admitted = What::Admitted { title: run.title.clone(), revision: run.revision.clone() };
    log(rows, &mut run, &ask.by, admitted)?;
    if ask.page.is_some() || run.escalate_by.is_some() {
        outbox::arm(rows, &run, ask.page.as_ref())?;
    }
    rows.put_run(&run)?;
    decided(rows, ask, &format!("run {}", run.id))?;
    Ok(Admission::New(run))
}

/// Writes down that an alert came: again, where it came before.
fn seen(rows: &mut dyn Rows, incoming: &Incoming, received: Option<InboxId>) -> Res<(InboxId, Option<IncidentId>)> {
    let now = rows.now();
    let known = match received {
        Some(id) => rows.alert_of(id)?,
        None => rows.alert(&incoming.source, &incoming.delivery_id)?,
    };
    // A row has the sender's own word for what is alerting.
    let fingerprint = known.as_ref().map_or_else(|| incoming.fingerprint.clone(), |row| row.fingerprint.clone());
    let incident = if incoming.over {
        None
    } else if let Some(mut incident) = rows.open_incident(&fingerprint)? {
        incident.last = now;
        incident.count += u64::from(known.as_ref().is_none_or(|row| row.state.is_empty()));
        rows.put_incident(&incident)?;
        Some(incident.id)
    } else {
        let mut incident =
            Incident { id: IncidentId::default(), fingerprint, open: true, first: now, last: now, count: 1 };
        rows.insert_incident(&mut incident)?;
        Some(incident.id)
    };
    if let Some(mut row) = known {
        if received.is_none() {
            row.seen += 1;
            row.last_seen = now;
            rows.put_alert(&row)?;
        }
        return Ok((row.id, incident));
    }
    let mut row = intake::row(incoming, now);
    rows.insert_alert(&mut row)?;
    Ok((row.id, incident))
}

/// Writes down that a run answers the alert. One that was received is decided by whoever looks at it, when all that
/// answers it is there.
fn decided(rows: &mut dyn Rows, ask: &Admit, decision: &str) -> Res<()> {
    if ask.received.is_none()
        && let Some(incoming) = &ask.alert
        && let Some(mut row) = rows.alert(&incoming.source, &incoming.delivery_id)?
    {
        row.look_at = None;
        intake::decided(rows, &mut row, decision)?;
    }
    Ok(())
}
