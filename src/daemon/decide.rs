//! What becomes of an alert: a run, a page, or a reason. None is declined into silence.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use ira_commands::playbook::{self, Decision, Incoming, Mode, Playbook};
use ira_commands::text::{clean, excerpt};
use ira_commands::{Fault, Kind};

use super::books::{Book, Loaded};
use super::storm::Storm;
use super::{Shared, details, drills, recur, tell};
use crate::clock::SystemClock;
use crate::drill::Order;
use crate::engine::{Engine, Wanted, incoming};
use crate::remediate;
use crate::store::ask::{Admission, Judge, Judged, Mails, Page, Waiting};
use crate::store::model::{DecisionRow, InboxRow, OutboxRow, RunId};
use crate::store::{Mail, MailState};

/// So many alerts are decided at a time.
const BATCH: usize = 128;
/// How long is waited at most before it is looked again.
const PAUSE: Duration = Duration::from_secs(1);
/// So many bodies that are being brought to the disk at once are a flood …
const CROWD: usize = 16;
/// … in which each so many are decided at this pace: 2,560 a second at least.
const YIELDS: Duration = Duration::from_millis(50);
/// The least time that a run has to come to its end of planning, seconds.
const PLANNING: u64 = 300;
/// So often it is asked what an incident is about …
const DETAILS: usize = 5;
/// … the first time after this, then later each time.
const AGAIN: Duration = Duration::from_secs(5);
/// What the payload of an alert that is over has.
const RESOLVED: &str = "\"resolved\":true";
/// So many earlier alerts of one fingerprint are looked at.
const EARLIER: usize = 32;

/// Decides what is due, until the daemon stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let storm = Arc::new(Storm::of(&shared).await);
    while !shared.stopping() {
        let rows = match shared.store.undecided(BATCH).await {
            Ok(rows) => rows,
            Err(fault) => {
                tracing::error!("what waits to be decided cannot be read: {fault}");
                shared.metrics.count("ira_store_errors_total", &[]);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if rows.is_empty() {
            tokio::select! {
                () = shared.alerts.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
                () = shared.stopped() => {}
            }
            continue;
        }
        if all(&shared, &storm, rows).await {
            // The store failed for one of them.
            tokio::time::sleep(PAUSE).await;
        }
        // What is not on the disk yet comes first: whoever sends it waits for an answer, and gives up after some seconds.
        if shared.taking.load(Ordering::Relaxed) >= CROWD {
            tokio::time::sleep(YIELDS).await;
        }
    }
}

/// Decides everything that is due, once; whether there was anything.
pub(super) async fn pass(shared: &Arc<Shared>) -> Result<bool, Fault> {
    let storm = Arc::new(Storm::of(shared).await);
    let mut any = false;
    loop {
        let rows = shared.store.undecided(BATCH).await?;
        if rows.is_empty() {
            return Ok(any);
        }
        any = true;
        if all(shared, &storm, rows).await {
            return Err(Fault::new(Kind::Failed, "not every alert could be decided; the log says why"));
        }
    }
}

/// Decides these: one after the other what is of one fingerprint. Whether any could not be decided.
async fn all(shared: &Arc<Shared>, storm: &Arc<Storm>, rows: Vec<Waiting>) -> bool {
    let mut groups: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
    for one in rows {
        groups.entry(one.row.fingerprint.clone()).or_default().push(one);
    }
    let each = groups.into_values().map(|group| {
        let (shared, storm) = (Arc::clone(shared), Arc::clone(storm));
        async move {
            let mut failed = false;
            for row in group {
                failed |= guarded(&shared, &storm, row).await.is_err();
            }
            failed
        }
    });
    join_all(each).await.into_iter().any(|failed| failed)
}

/// Decides one. What breaks in it is a page for this alert, and the others go on.
async fn guarded(shared: &Arc<Shared>, storm: &Arc<Storm>, waiting: Waiting) -> Result<(), Fault> {
    let parts = shared.parts();
    let row = Arc::new(waiting.row);
    let drill = drills::of(shared, &row).await?;
    let one = One {
        shared: Arc::clone(shared),
        engine: Arc::clone(&parts.engine),
        storm: Arc::clone(storm),
        loaded: Arc::clone(&parts.loaded),
        row: Arc::clone(&row),
        alone: waiting.alone,
        drill,
    };
    let decided = tokio::spawn(async move { one.decide().await }).await;
    let fault = match decided {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(fault)) => fault,
        Err(panicked) => Fault::new(Kind::Failed, "it broke while it was decided").because(panicked.to_string()),
    };
    tracing::error!("alert {} could not be decided: {fault}", row.id);
    let alert = incoming(&row.payload).unwrap_or_default();
    let why = format!("ira could not decide it: {}", fault.one_line());
    let tell = tell::page(&parts.loaded.config, &shared.cluster, &row, &alert, &why);
    let judge = Judge { inbox: row.id, seen: row.seen, verdict: Judged::Paged(excerpt(&why, 300)), tell: Some(tell) };
    shared.store.judge(judge).await.inspect_err(|fault| tracing::error!("alert {}: {fault}", row.id)).map(|_| ())
}

/// An alert that is being decided.
pub(super) struct One {
    pub shared: Arc<Shared>,
    pub engine: Arc<Engine>,
    pub storm: Arc<Storm>,
    pub loaded: Arc<Loaded>,
    pub row: Arc<InboxRow>,
    /// Whether nothing else is known of what is alerting.
    pub alone: bool,
    /// The drill that it is of.
    pub drill: Option<Order>,
}

impl One {
    async fn decide(&self) -> Result<(), Fault> {
        let alert = incoming(&self.row.payload)?;
        // What seldom happens is kept apart: what happens always is then small.
        if alert.alert.resolved {
            return Box::pin(self.over(&alert)).await;
        }
        let decisions = self.decisions().await?;
        let run = |text: &str| text.strip_prefix("run ").and_then(|id| id.parse().ok());
        if let Some(run) = decisions.iter().rev().find_map(|one| run(&one.what)) {
            return Box::pin(recur::look(self, &alert, RunId(run))).await;
        }
        if Box::pin(self.is_own()).await? {
            return self.judged(Judged::Ignored("it is of an incident that ira pages".to_owned()), &alert).await;
        }
        if !self.alone && Box::pin(self.came_late(&alert)).await? {
            return self.judged(Judged::Ignored("it was over before it came".to_owned()), &alert).await;
        }
        if !decisions.is_empty() && Box::pin(recur::firing(self, &alert)).await == "no" {
            return self.judged(Judged::Ignored("it was put off, and it is over".to_owned()), &alert).await;
        }
        self.answer(&alert).await
    }

    /// What was decided before.
    async fn decisions(&self) -> Result<Vec<DecisionRow>, Fault> {
        if self.row.state.is_empty() {
            return Ok(Vec::new());
        }
        self.shared.store.decisions(self.row.id).await
    }

    /// Finds what answers a firing alert.
    pub(super) async fn answer(&self, alert: &Incoming) -> Result<(), Fault> {
        let whole = match Box::pin(details::of(&self.loaded.config, alert)).await {
            Ok(whole) => whole,
            Err(fault) => {
                let tries = self.decisions().await?.len();
                if tries < DETAILS {
                    let why = format!("what its incident is about cannot be read yet: {}", fault.one_line());
                    let wait = AGAIN * u32::try_from(tries + 1).unwrap_or(u32::MAX);
                    return self.judged(Judged::Suppressed(excerpt(&why, 300), wait), alert).await;
                }
                None
            }
        };
        let alert = whole.as_ref().unwrap_or(alert);
        let books: Vec<&Playbook> = self.loaded.books.iter().map(|book| &book.playbook).collect();
        let decision = playbook::decide(&books, alert);
        if let Some(name) = self.maintained(&decision).await? {
            return self.judged(name, alert).await;
        }
        if !decision.several.is_empty() {
            let names: Vec<&str> = decision.several.iter().map(|at| books[*at].name.text.as_str()).collect();
            let why = format!("several playbooks would write for it, so none does: {}", names.join(", "));
            return self.paged(&why, alert).await;
        }
        let mut answered = None;
        for at in decision.writer.iter().chain(&decision.readers) {
            let book = &self.loaded.books[*at];
            if let Some(why) = book.refused() {
                let why = format!("the playbook {} is not loaded: {why}", book.playbook.name.text);
                return self.paged(&why, alert).await;
            }
            if book.playbook.effects.any() && self.storm.runs(self, book).await? {
                let why = "too many runs would begin at once".to_owned();
                let verdict = Judged::Suppressed(format!("storm: {why}"), super::storm::LASTS);
                return self.judged(verdict, alert).await;
            }
            match Box::pin(self.admitted(book, alert)).await {
                Ok(run) => answered = answered.or(Some(run)),
                // The parameters or the key are not right: as good as no playbook.
                Err(fault) if fault.kind == Kind::Usage => return self.paged(&fault.one_line(), alert).await,
                Err(fault) => return Err(fault),
            }
        }
        match answered {
            Some(run) => self.judged(Judged::Run(run), alert).await,
            None => self.unanswered(&decision, alert).await,
        }
    }

    /// Writes down the run of a playbook for this alert.
    async fn admitted(&self, book: &Book, alert: &Incoming) -> Result<RunId, Fault> {
        let playbook = &book.playbook;
        let name = &playbook.name.text;
        // A look that finds it firing again is another run; the same look again is the same.
        let decisions = self.decisions().await?.len();
        let key = format!("alert:{}:{decisions}:{name}", self.row.id);
        let writes = playbook.effects.any();
        // What only reads wakes nobody, and is noted where the alert's page is.
        let page = Some(Page {
            dedup_key: self.page_key(),
            channel: tell::channel(&self.loaded.config),
            payload: tell::payload(alert, ""),
        });
        let rung = self.drill.as_ref().and_then(|drill| drill.rung).unwrap_or(book.rung);
        let params = match &self.drill {
            Some(drill) => remediate::params(playbook, &drill.params)?,
            None => BTreeMap::new(),
        };
        let asking = match (&playbook.approve, rung) {
            (Some(approve), Mode::Approve) => approve.within,
            _ => 0,
        };
        let wanted = Wanted {
            key,
            delivery_id: Some(self.row.delivery_id.clone()),
            group_key: self.row.group_key.clone(),
            received: Some(self.row.id),
            playbook,
            text: &book.text,
            alert,
            params,
            rung,
            overrides: Vec::new(),
            by: "alert".to_owned(),
            page,
            escalate_in: writes.then(|| Duration::from_secs(PLANNING + asking)),
        };
        let admission = self.engine.admit(wanted).await?;
        self.shared.runs.notify_one();
        let run = admission.run().id;
        if let Admission::New(_) = admission {
            tracing::info!("alert {}: run {run} of {name}", self.row.id);
        }
        Ok(run)
    }

    /// Nothing answers it: a person does, unless its severity is for nobody.
    async fn unanswered(&self, decision: &Decision, alert: &Incoming) -> Result<(), Fault> {
        let severity = alert.alert.labels.get("severity").map(String::as_str).unwrap_or_default();
        let quiet = self.loaded.config.daemon.no_page.iter().any(|word| word.eq_ignore_ascii_case(severity));
        let furthest = decision.considered.iter().filter_map(|one| Some((one, one.furthest()?)));
        let near = furthest.max_by_key(|(_, stop)| (stop.fault, stop.stage));
        // What could not be said is not the same as no.
        let broken = near.as_ref().is_some_and(|(_, stop)| stop.fault);
        if quiet && !severity.is_empty() && !broken {
            let why = format!("no playbook is for it, and its severity is `{}`", clean(severity));
            return self.judged(Judged::Ignored(why), alert).await;
        }
        let nearest = near.map(|(one, stop)| format!("; nearest is {}: {}", one.playbook, stop.why));
        self.paged(&format!("no playbook answers it{}", nearest.unwrap_or_default()), alert).await
    }

    /// Whether it is of an incident that ira itself triggered, or is about to: what ira caused comes back.
    async fn is_own(&self) -> Result<bool, Fault> {
        let Some(key) = tell::incident(&self.row) else { return Ok(false) };
        let mails = self.shared.store.mails(Mails::Key(key)).await?;
        let live = |mail: &OutboxRow| {
            mail.mail == Mail::Trigger
                && matches!(mail.state, MailState::Armed | MailState::Pending | MailState::Accepted)
        };
        Ok(mails.iter().any(live))
    }

    /// Whether it fired and was over again before this message came.
    async fn came_late(&self, alert: &Incoming) -> Result<bool, Fault> {
        let Some(began) = alert.starts_at else { return Ok(false) };
        let earlier = self.shared.store.alerts_of(&self.row.fingerprint, EARLIER).await?;
        let over = |row: &InboxRow| {
            // Of a storm there are many, and most fire: that is seen without reading them.
            row.payload.contains(RESOLVED)
                && incoming(&row.payload)
                    .is_ok_and(|one| one.alert.resolved && one.starts_at.is_some_and(|at| at >= began))
        };
        Ok(earlier.iter().any(|row| row.id != self.row.id && over(row)))
    }

    /// It is over: runs for it end where nothing was written yet, and go on to verify where something was.
    async fn over(&self, alert: &Incoming) -> Result<(), Fault> {
        let earlier = self.shared.store.alerts_of(&self.row.fingerprint, EARLIER).await?;
        let newer = |row: &InboxRow| {
            let one = incoming(&row.payload).unwrap_or_default();
            !one.alert.resolved && one.starts_at > alert.starts_at && alert.starts_at.is_some()
        };
        if earlier.iter().any(newer) {
            return self.judged(Judged::Ignored("an earlier episode is over".to_owned()), alert).await;
        }
        let ended = |row: &&InboxRow| {
            let one = incoming(&row.payload).unwrap_or_default();
            row.state.starts_with("paged") && !one.alert.resolved
        };
        for row in earlier.iter().filter(ended) {
            let verdict = Judged::Ignored("it is over".to_owned());
            self.shared.store.judge(Judge { inbox: row.id, seen: row.seen, verdict, tell: None }).await?;
        }
        for run in self.engine.resolved(&self.row.fingerprint).await? {
            self.shared.nudge(run);
        }
        let books: Vec<&Playbook> = self.loaded.books.iter().map(|book| &book.playbook).collect();
        let decision = playbook::decide(&books, alert);
        let mut answered = None;
        for at in decision.writer.iter().chain(&decision.readers) {
            let book = &self.loaded.books[*at];
            if book.refused().is_none() {
                answered = answered.or(Some(self.admitted(book, alert).await?));
            }
        }
        let verdict = answered.map_or_else(|| Judged::Ignored("it is over".to_owned()), Judged::Run);
        let tell = self.quiet(tell::resolve(&self.loaded.config, &self.shared.cluster, &self.row, alert));
        let judge = Judge { inbox: self.row.id, seen: self.row.seen, verdict, tell: Some(tell) };
        self.write(judge, alert).await?;
        self.shared.mail.notify_one();
        Ok(())
    }

    /// A person is told, once for each key.
    pub(super) async fn paged(&self, why: &str, alert: &Incoming) -> Result<(), Fault> {
        let config = &self.loaded.config;
        let mut tell = self.quiet(tell::page(config, &self.shared.cluster, &self.row, alert, why));
        if self.drill.is_none() && self.storm.pages(config.daemon.pages, &tell.dedup_key) {
            let now = SystemClock.now_millis() / 60_000;
            let why = format!(
                "more than {} alerts a minute have nobody who answers them; the first that is not told apart: {}",
                config.daemon.pages,
                tell.payload["summary"].as_str().unwrap_or_default()
            );
            tell = tell::own(config, &self.shared.cluster, "storm", now, &why);
        }
        let verdict = Judged::Paged(excerpt(why, 300));
        let judge = Judge { inbox: self.row.id, seen: self.row.seen, verdict, tell: Some(tell) };
        self.write(judge, alert).await?;
        self.shared.mail.notify_one();
        Ok(())
    }

    pub(super) async fn judged(&self, verdict: Judged, alert: &Incoming) -> Result<(), Fault> {
        let judge = Judge { inbox: self.row.id, seen: self.row.seen, verdict, tell: None };
        self.write(judge, alert).await
    }

    async fn write(&self, judge: Judge, alert: &Incoming) -> Result<(), Fault> {
        let text = judge.verdict.text();
        let word = text.split([':', ' ']).next().unwrap_or_default().to_owned();
        self.shared.store.judge(judge).await?;
        self.shared.metrics.count("ira_decisions_total", &[("decision", &word), ("source", &alert.source)]);
        tracing::debug!("alert {}: {text}", self.row.id);
        Ok(())
    }
}
