//! What denies a write. Decided once for each run, with its first write, so that none is stranded between two.

use serde_json::{Value as Json, json};

use crate::store::ask::{Charge, Denial, FirstWrite, Override, Verified};
use crate::store::event::What;
use crate::store::model::{GuardRow, Run, RunId};
use crate::store::rows::{Res, Rows, Stop, denied};
use crate::store::words::Guard;

use super::{NEVER, after, log, millis};

fn key_of(guard: Guard, key: &str) -> String {
    format!("{guard}:{key}")
}

fn row(run: &Run, guard: Guard, key: &str) -> GuardRow {
    GuardRow {
        key: key_of(guard, key),
        kind: guard,
        run: Some(run.id),
        fence: run.fence,
        until: None,
        tokens: 0,
        state: Json::Null,
    }
}

fn no(guard: Guard, key: &str, until: Option<u64>, holder: Option<RunId>, message: String) -> Denial {
    Denial { guard, key: key.to_owned(), until, holder, message }
}

/// A key as a person reads it: `web-down:alert.labels.service=webapp` is about `service=webapp`.
fn plain(key: &str) -> String {
    let what = key.split_once(':').filter(|(_, what)| what.contains('=')).map_or(key, |(_, what)| what);
    what.replace("alert.labels.", "").replace("params.", "")
}

/// Lets a denial pass where a person said so, and keeps that.
fn unless_overridden(rows: &mut dyn Rows, run: &mut Run, denial: Denial, overrides: &[Override]) -> Res<()> {
    let Some(word) = overrides.iter().find(|word| word.guard == denial.guard && word.guard != Guard::Lock) else {
        return Err(Stop::Denied(denial));
    };
    let overridden = What::Overridden { guard: denial.guard, key: denial.key, reason: word.reason.clone() };
    log(rows, run, &word.actor, overridden)
}

/// Every guard of a first write, decided and charged.
pub(super) fn first(rows: &mut dyn Rows, run: &mut Run, ask: &FirstWrite) -> Res<()> {
    if ask.approved {
        approved(rows, run)?;
    }
    for guard in [Guard::Maintenance, Guard::Storm] {
        not_suspended(rows, run, guard, &ask.begin.scopes, &ask.overrides)?;
    }
    lock(rows, run, &ask.begin.locks)?;
    for charge in &ask.charges {
        spend(rows, run, charge, &ask.overrides)?;
    }
    for (key, lasts) in &ask.cooldowns {
        let now = rows.now();
        if let Some(row) = rows.guard(&key_of(Guard::Cooldown, key))?
            && row.until.is_some_and(|until| until > now)
        {
            let by = row.run.map(|run| format!(" by run {run}")).unwrap_or_default();
            let message = format!("{} was acted on{by} a short while ago", plain(key));
            unless_overridden(rows, run, no(Guard::Cooldown, key, row.until, row.run, message), &ask.overrides)?;
        }
        rows.put_guard(&GuardRow { until: Some(after(rows, *lasts)), ..row(run, Guard::Cooldown, key) })?;
    }
    match &ask.breaker {
        Some(key) => through_breaker(rows, run, key, &ask.overrides),
        None => Ok(()),
    }
}

fn approved(rows: &dyn Rows, run: &Run) -> Res<()> {
    let now = rows.now();
    let yes = rows.approvals(run.id)?.into_iter().any(|approval| {
        approval.decision == Some(true)
            && approval.expires_at > now
            && Some(&approval.plan_hash) == run.plan_hash.as_ref()
    });
    if yes {
        return Ok(());
    }
    denied(
        Guard::Approval,
        run.id.to_string(),
        format!("nobody agreed to the plan of run {}, or the yes expired", run.id),
    )
}

/// Denied where one of the scopes, or everything, is frozen or suspended.
pub(super) fn not_suspended(
    rows: &mut dyn Rows,
    run: &mut Run,
    guard: Guard,
    scopes: &[String],
    overrides: &[Override],
) -> Res<()> {
    let now = rows.now();
    for scope in std::iter::once("*").chain(scopes.iter().map(String::as_str)) {
        if let Some(row) = rows.guard(&key_of(guard, scope))?
            && row.until.is_none_or(|until| until > now)
        {
            let reason = row.state.get("reason").and_then(Json::as_str).unwrap_or_default();
            let message = format!("{guard} of {}: {reason}", if scope == "*" { "everything" } else { scope });
            unless_overridden(rows, run, no(guard, scope, row.until, None, message), overrides)?;
        }
    }
    Ok(())
}

/// Takes every lock, or none.
pub(super) fn lock(rows: &mut dyn Rows, run: &mut Run, keys: &[String]) -> Res<()> {
    let mut sorted = keys.to_vec();
    sorted.sort();
    sorted.dedup();
    for key in &sorted {
        if let Some(row) = rows.guard(&key_of(Guard::Lock, key))?
            && row.run != Some(run.id)
        {
            let holder = row.run.unwrap_or_default();
            let message = format!("run {holder} is at work on {}", plain(key));
            return Err(Stop::Denied(no(Guard::Lock, key, None, row.run, message)));
        }
        rows.put_guard(&row(run, Guard::Lock, key))?;
    }
    run.locks = sorted;
    Ok(())
}

/// Denied where the run does not hold all of these.
pub(super) fn held(rows: &dyn Rows, run: &Run, keys: &[String]) -> Res<()> {
    for key in keys {
        if rows.guard(&key_of(Guard::Lock, key))?.is_none_or(|row| row.run != Some(run.id)) {
            return denied(Guard::Lock, key, format!("run {} does not hold {key}", run.id));
        }
    }
    Ok(())
}

/// Releases the locks of a run that is over, unless it is not known what came of an attempt.
pub(super) fn release(rows: &mut dyn Rows, run: &Run) -> Res<()> {
    if !run.state.terminal() || !rows.open_steps(Some(run.id))?.is_empty() {
        return Ok(());
    }
    for row in rows.guards_of(run.id)? {
        match row.kind {
            Guard::Lock => rows.drop_guard(&row.key)?,
            // It was let through to try, and nobody said how it went: the next one may.
            Guard::Breaker if row.state == json!("half-open") => {
                rows.put_guard(&GuardRow { until: Some(rows.now()), state: json!("open"), ..row })?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The grants of a window: when, and how much.
fn grants(row: Option<&GuardRow>) -> Vec<(u64, u128)> {
    let grant = |grant: &Json| Some((grant.get(0)?.as_u64()?, grant.get(1)?.as_str()?.parse().ok()?));
    let list = row.and_then(|row| row.state.get("grants")).and_then(Json::as_array);
    list.map(|grants| grants.iter().filter_map(grant).collect()).unwrap_or_default()
}

/// Takes from a bucket: what was taken in any window is never more than the limit.
fn spend(rows: &mut dyn Rows, run: &mut Run, charge: &Charge, overrides: &[Override]) -> Res<()> {
    let now = rows.now();
    let known = rows.guard(&key_of(charge.guard, &charge.key))?;
    let window = millis(charge.window);
    let longest =
        known.as_ref().and_then(|row| row.state.get("window")).and_then(Json::as_u64).unwrap_or(0).max(window);
    let mut grants = grants(known.as_ref());
    grants.retain(|(at, _)| at.saturating_add(longest) > now);
    let counted = || grants.iter().filter(|(at, _)| at.saturating_add(window) > now);
    let used = counted().fold(0_u128, |sum, (_, amount)| sum.saturating_add(*amount));
    if used.saturating_add(charge.amount) > charge.limit {
        // When enough of it has left the window.
        let mut rest = used;
        let until = counted().find_map(|(at, amount)| {
            rest -= amount;
            (rest.saturating_add(charge.amount) <= charge.limit).then(|| at.saturating_add(window))
        });
        let (guard, window) = (charge.guard, ira_commands::units::duration(charge.window.as_secs()));
        let message = format!("{guard} {}: {used} of {} used within {window}", plain(&charge.key), charge.limit);
        unless_overridden(rows, run, no(charge.guard, &charge.key, until, None, message), overrides)?;
    }
    grants.push((now, charge.amount));
    let list: Vec<Json> = grants.iter().map(|(at, amount)| json!([at, amount.to_string()])).collect();
    rows.put_guard(&GuardRow {
        tokens: used.saturating_add(charge.amount),
        until: Some(now.saturating_add(longest).min(NEVER)),
        state: json!({ "window": longest, "grants": list }),
        ..row(run, charge.guard, &charge.key)
    })
}

/// A closed breaker lets everything through, an open one nothing, and one that was open long enough a single run.
fn through_breaker(rows: &mut dyn Rows, run: &mut Run, key: &str, overrides: &[Override]) -> Res<()> {
    let Some(known) = rows.guard(&key_of(Guard::Breaker, key))? else { return Ok(()) };
    let now = rows.now();
    let tried = known.state == json!("half-open") && known.run != Some(run.id);
    if known.state != json!("open") && !tried {
        return Ok(());
    }
    if tried || known.until.is_none_or(|until| until > now) {
        let holder = known.run.filter(|_| tried);
        let message = format!("the breaker of {key} is open: {} runs in a row did not help", known.tokens);
        unless_overridden(rows, run, no(Guard::Breaker, key, known.until, holder, message), overrides)?;
    }
    rows.put_guard(&GuardRow { run: Some(run.id), fence: run.fence, state: json!("half-open"), ..known })
}

/// Tells a breaker how a run went.
pub(super) fn verified(rows: &mut dyn Rows, run: &Run, word: &Verified) -> Res<()> {
    let known = rows.guard(&key_of(Guard::Breaker, &word.breaker))?;
    let half_open = known.as_ref().is_some_and(|row| row.state == json!("half-open") && row.run == Some(run.id));
    match word.good {
        Some(true) if known.is_some() => rows.drop_guard(&key_of(Guard::Breaker, &word.breaker)),
        Some(false) => {
            let reason = format!("what run {} did did not help", run.id);
            let state = json!({ "reason": reason, "actor": "ira", "since": rows.now() });
            rows.put_guard(&GuardRow { state, ..row(run, Guard::Demoted, &word.breaker) })?;
            let failures = known.as_ref().map_or(0, |row| row.tokens) + 1;
            let opens = half_open || failures >= u128::from(word.after);
            let was_open = known.as_ref().is_some_and(|row| row.state == json!("open"));
            let until = opens.then(|| after(rows, word.opens_for));
            rows.put_guard(&GuardRow {
                tokens: failures,
                until: until.or(known.and_then(|row| row.until)),
                state: json!(if opens || was_open { "open" } else { "closed" }),
                ..row(run, Guard::Breaker, &word.breaker)
            })
        }
        // `release` opens it again for the next one.
        _ => Ok(()),
    }
}
