//! What the watcher does again and again until nothing can fall due any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ira_commands::Fault;
use serde_json::json;

use crate::clock::SystemClock;
use crate::engine::{Alarm as _, Engine, Sender};
use crate::pages::RunAlert;
use crate::store::ask::{Mails, Tell};
use crate::store::model::{OutboxRow, Run, RunId};
use crate::store::{Mail, MailState, RunState, StepState};

/// A run that is watched.
pub(super) struct Rounds {
    engine: Engine,
    sender: Sender,
    alert: Option<RunAlert>,
    /// Whether its run alert was ended.
    ended: bool,
    run: RunId,
    /// Whether anybody is configured to be paged: else a page is for whoever looks at the runs.
    pub(super) pages: bool,
    /// The page as it was armed when the record was last read.
    page: Option<OutboxRow>,
    /// When it falls due, unix milliseconds of this machine; none where it does not.
    due: Option<u64>,
    /// Whether the process that had the run is dead.
    pub(super) dead: Arc<AtomicBool>,
    /// Since when that is known, and the fence that the run had then.
    died: Option<(Instant, u64)>,
}

/// So long somebody has to take up the run of a process that died, before somebody is woken: as long as its lease lasts.
const GRACE: Duration = Duration::from_secs(30);

impl Rounds {
    pub(super) fn new(engine: Engine, sender: Sender, alert: Option<RunAlert>, run: RunId) -> Self {
        Self {
            engine,
            sender,
            alert,
            ended: false,
            run,
            pages: true,
            page: None,
            due: None,
            dead: Arc::default(),
            died: None,
        }
    }

    /// How long the run may still take.
    pub(super) fn lasts(&self) -> Duration {
        Duration::from_millis(self.due.map_or(0, |at| at.saturating_sub(SystemClock.now_millis())))
    }

    /// Reads where the run stands; none where it is not kept any more.
    pub(super) async fn look(&mut self) -> Result<Option<Run>, Fault> {
        let Some(story) = self.engine.store.run(self.run).await? else { return Ok(None) };
        let now = self.engine.store.now().await?;
        let run = story.run;
        let late = run.escalate_by.is_some_and(|at| at <= now) && !run.no_more_writes && !run.state.terminal();
        let stuck = story.steps.iter().any(|step| step.state == StepState::Started && step.deadline <= now);
        if late || stuck {
            self.engine.tick().await?;
            return Ok(self.engine.store.run(self.run).await?.map(|story| story.run));
        }
        Ok(Some(run))
    }

    /// Whatever is due now. Whether nothing can fall due any more.
    pub(super) async fn pass(&mut self) -> Result<bool, Fault> {
        let Some(run) = self.look().await? else { return Ok(true) };
        self.bereaved(&run).await?;
        let store = &self.engine.store;
        let now = store.now().await?;
        let own = |mail: &&OutboxRow| {
            let sent_by_somebody = self.pages || mail.mail == Mail::Note;
            mail.run == Some(run.id) && sent_by_somebody
        };
        let pending = store.mails(Mails::Pending).await?;
        if pending.iter().filter(own).any(|mail| mail.next_at <= now && mail.claimed_until <= now) {
            self.sender.pass(Some(run.id)).await?;
        }
        let pending = store.mails(Mails::Pending).await?;
        let unsent = pending.iter().filter(own).any(|mail| mail.mail == Mail::Trigger);
        let left = pending.iter().any(|mail| own(&mail));
        let nobody = run.owner.is_none() || run.lease_until <= now;
        let over = run.state.terminal() || (run.no_more_writes && nobody);
        self.keep(&run, over).await?;
        self.alarm(&run, unsent).await;
        Ok(over && !left)
    }

    /// The process that had the run died, and nobody has taken it up: somebody is woken, whatever time it has left. It stays
    /// as it is, to be taken up.
    async fn bereaved(&mut self, run: &Run) -> Result<(), Fault> {
        if !self.dead.load(Ordering::SeqCst) {
            return Ok(());
        }
        let (since, fence) = *self.died.get_or_insert_with(|| (Instant::now(), run.fence));
        let taken_up = run.fence > fence;
        if run.state.terminal() || run.no_more_writes || taken_up || since.elapsed() < GRACE {
            return Ok(());
        }
        let store = &self.engine.store;
        let mails = store.mails(Mails::Of(run.id)).await?;
        let armed = |mail: &OutboxRow| mail.mail == Mail::Trigger && mail.state == MailState::Armed;
        let Some(page) = mails.into_iter().rfind(armed) else { return Ok(()) };
        let (id, mut payload) = (run.id, page.payload);
        if let Some(map) = payload.as_object_mut() {
            let why = format!(
                "the process that had run {id} died, and nobody has taken the run up. `ira run resume {id}` goes on; \
                 `ira run undo {id}` takes back what can be; `ira run show {id}` has the record."
            );
            map.insert("why".to_owned(), json!(why));
        }
        // Said again under the same key it is the same row.
        let (mail, dedup_key, wait) = (Mail::Trigger, run.page.clone(), Duration::ZERO);
        let key = format!("page:{id}:died:{fence}");
        store.tell(Tell { key, run: Some(id), mail, dedup_key, channel: page.channel, payload, wait }).await?;
        Ok(())
    }

    /// Keeps the page that is armed, for when the record cannot be read any more.
    async fn keep(&mut self, run: &Run, over: bool) -> Result<(), Fault> {
        let due = run.escalate_by.filter(|_| !over);
        if due != self.due || self.page.is_none() {
            let mails = self.engine.store.mails(Mails::Of(run.id)).await?;
            let armed = |mail: &OutboxRow| mail.mail == Mail::Trigger && mail.state == MailState::Armed;
            self.page = mails.into_iter().rfind(armed);
            self.due = due;
        }
        Ok(())
    }

    /// The run alert stands until the run has ended, and whoever has to be woken is.
    async fn alarm(&mut self, run: &Run, unsent: bool) {
        let Some(alert) = &self.alert else { return };
        let held = run.state == RunState::Escalated && unsent;
        let ends = run.state.terminal() && !held;
        if run.first_write_at.is_none() || (ends && self.ended) {
            return;
        }
        let said = if ends { alert.clear(run).await } else { alert.set(run).await };
        self.ended = ends && said.is_ok();
        if let Err(fault) = said {
            tracing::warn!("run {}: {fault}", run.id);
        }
    }

    /// The record cannot be read or written: whoever was to be woken by now is woken all the same.
    pub(super) async fn without_record(&mut self, fault: &Fault) {
        tracing::warn!("run {}: {fault}", self.run);
        // Told once: who was told already is not told again.
        let late = self.due.is_some_and(|at| at <= SystemClock.now_millis());
        let since = self.dead.load(Ordering::SeqCst).then(|| self.died.get_or_insert((Instant::now(), u64::MAX)).0);
        let bereaved = since.is_some_and(|since| since.elapsed() >= GRACE);
        let Some(page) = self.page.clone().filter(|_| late || bereaved) else { return };
        let reason =
            format!("run {} did not end in time, and its record cannot be kept: {}", self.run, fault.one_line());
        if self.sender.post.send(&OutboxRow { reason, ..page }).await.is_ok() {
            self.page = None;
        }
    }
}
