//! The engine: runs of playbooks over memory and SQLite, in a world that counts what is done to it.

#![expect(non_snake_case, reason = "named for what must hold: an invariant, a fault, a lesson")]

pub mod books;
mod crash;
mod exported;
mod faults;
mod firing;
mod gone;
mod guards;
mod loops;
mod outbox;
mod people;
mod phases;
mod rungs;
pub mod world;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ira::config::BudgetConfig;
use ira::engine::{Came, Ending, Engine, Forecast, Unwatched, Wanted};
use ira::store::ask::{Mails, Override, Page, Story, Verdict};
use ira::store::clock::Manual;
use ira::store::event::{self, What};
use ira::store::model::{OutboxRow, RunId};
use ira::store::{Mail, MailState, Memory, Options, Sqlite, StepState, Store};
use ira_commands::Fault;
use ira_commands::alert::Alert;
use ira_commands::playbook::{Incoming, Mode, Playbook, parse};
use serde_json::json;
use world::{Desk, World};

const START: u64 = 1_800_000_000_000;

pub fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// An engine with its world and its clock.
pub struct Rig {
    pub world: Arc<World>,
    pub store: Arc<dyn Store>,
    pub engine: Engine,
    pub ticks: Arc<Manual>,
}

impl Rig {
    fn new(folder: &Path, store: Arc<dyn Store>, ticks: Arc<Manual>) -> Self {
        let world = World::at(&folder.join("world"));
        for unit in ["web.service", "app.service", "app-last.service"] {
            world.unit(unit, true, 1);
        }
        world.unit("site.service", true, 1);
        let engine = engine(&world, &store, folder, "one");
        Self { world, store, engine, ticks }
    }

    /// Another worker on the same store and world.
    pub fn other(&self, folder: &Path) -> Engine {
        engine(&self.world, &self.store, folder, "two")
    }

    /// Admits a run.
    pub async fn admit(&self, text: &str) -> RunId {
        self.admit_as(text, "one", Mode::Auto, Vec::new()).await.expect("admitted")
    }

    pub async fn admit_as(&self, text: &str, key: &str, rung: Mode, overrides: Vec<Override>) -> Result<RunId, Fault> {
        let playbook = parse(text).unwrap_or_else(|problems| {
            panic!("{}", problems.iter().map(|one| one.render("book.yaml")).collect::<Vec<_>>().join("\n"))
        });
        let alert = firing();
        let wanted = Wanted {
            delivery_id: Some(key.to_owned()),
            rung,
            overrides,
            page: Some(page("the page")),
            escalate_in: Some(Duration::from_secs(600)),
            ..wanted(key, &playbook, text, &alert)
        };
        Ok(self.engine.admit(wanted).await?.run().id)
    }

    /// What the guards would say of a run now, tried on a copy of what they count.
    pub async fn forecast(&self, text: &str, overrides: Vec<Override>) -> Forecast {
        let guards = self.store.guards().await.expect("read");
        let copy: Arc<dyn Store> = Arc::new(Memory::of_guards(Arc::<Manual>::clone(&self.ticks), guards));
        let engine = engine(&self.world, &copy, Path::new("/nonexistent"), "a look");
        let (playbook, alert) = (parse(text).expect("sound"), firing());
        let wanted = || Wanted {
            rung: Mode::Approve,
            overrides: overrides.clone(),
            ..wanted("a look", &playbook, text, &alert)
        };
        let preview = engine.preview(&wanted()).await.expect("planned");
        engine.forecast(wanted(), &preview.plan).await.expect("looked")
    }

    /// Drives a run through the times in which it sleeps.
    pub async fn drive(&self, run: RunId) -> Came {
        self.drive_by(&self.engine, run).await
    }

    pub async fn drive_by(&self, engine: &Engine, run: RunId) -> Came {
        for _ in 0..200 {
            match engine.drive(run, &Unwatched).await.expect("the store works") {
                Ok(Came::Sleeps(length)) => self.ticks.pass(length),
                Ok(came) => return came,
                Err(denial) => panic!("run {run}: {denial}"),
            }
        }
        panic!("run {run} goes on for ever")
    }

    pub async fn story(&self, run: RunId) -> Story {
        self.store.run(run).await.expect("read").expect("it is there")
    }

    /// The last attempt at a path that begins so.
    pub async fn stands(&self, run: RunId, path: &str) -> Option<StepState> {
        self.story(run).await.steps.into_iter().rfind(|step| step.path.starts_with(path)).map(|step| step.state)
    }

    /// The page of a run.
    pub async fn mails(&self, run: RunId) -> Vec<OutboxRow> {
        self.store.mails(Mails::Of(run)).await.expect("read")
    }

    /// How many rows would wake somebody.
    pub async fn woken(&self, run: RunId) -> usize {
        let wakes = |row: &OutboxRow| {
            row.mail == Mail::Trigger && matches!(row.state, MailState::Pending | MailState::Accepted)
        };
        self.mails(run).await.into_iter().filter(wakes).count()
    }

    /// I6, I7, I19: the record of a run is whole, and says what the run is.
    pub async fn sound(&self, run: RunId) {
        let events = self.store.events(run).await.expect("read");
        event::check(&events).expect("gapless and linked");
        let folded = event::fold(&events);
        let story = self.story(run).await;
        assert_eq!((folded.state, folded.fence), (story.run.state, story.run.fence));
        for step in &story.steps {
            assert_eq!(folded.attempts.get(&step.id), Some(&step.state), "{}", step.path);
            assert!(step.fence <= story.run.fence);
        }
    }

    /// The words that a run was written down with.
    pub async fn states(&self, run: RunId) -> Vec<String> {
        let events = self.store.events(run).await.expect("read");
        let moved = events.into_iter().filter_map(|event| match event.what {
            What::Moved { state, .. } | What::Finished { state, .. } => Some(state.to_string()),
            _ => None,
        });
        let mut states: Vec<String> = moved.collect();
        states.dedup();
        states
    }
}

fn engine(world: &Arc<World>, store: &Arc<dyn Store>, folder: &Path, worker: &str) -> Engine {
    let hands = Arc::new(Desk(Arc::clone(world)));
    let mut engine = Engine::new(Arc::clone(store), hands, worker.to_owned(), folder.to_owned());
    let all = BudgetConfig { max: Some(100), link: None, native: None, window: 3_600, per: None };
    engine.budgets.insert("all".to_owned(), all);
    let few = BudgetConfig { max: Some(1), link: None, native: None, window: 3_600, per: None };
    engine.budgets.insert("few".to_owned(), few);
    engine
}

/// A run of `playbook` for `alert` that goes on by itself, without a page.
pub fn wanted<'a>(key: &str, playbook: &'a Playbook, text: &'a str, alert: &'a Incoming) -> Wanted<'a> {
    Wanted {
        received: None,
        key: key.to_owned(),
        delivery_id: None,
        group_key: String::new(),
        playbook,
        text,
        alert,
        params: BTreeMap::new(),
        rung: Mode::Auto,
        overrides: Vec::new(),
        by: "somebody".to_owned(),
        page: None,
        escalate_in: None,
    }
}

/// The alert of the tests.
pub fn firing() -> Incoming {
    let labels = [("alertname", "Down"), ("unit", "web")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Incoming {
        source: "alertmanager".to_owned(),
        alert: Alert { labels, annotations: BTreeMap::new(), resolved: false },
        starts_at: Some(START / 1_000),
    }
}

pub fn page(key: &str) -> Page {
    Page { dedup_key: key.to_owned(), channel: "pagerduty".to_owned(), payload: json!({ "summary": "web is down" }) }
}

/// A file with a clock that the test sets.
pub fn sqlite(folder: &Path, ticks: &Arc<Manual>) -> Arc<dyn Store> {
    let options = Options { ticks: Arc::<Manual>::clone(ticks), ..Options::default() };
    Arc::new(Sqlite::open(&folder.join("ira.db"), options).expect("it opens"))
}

/// Does the same over memory and over a file.
#[expect(clippy::needless_pass_by_value, reason = "a test is written where it is given")]
pub fn on_each(test: impl AsyncFn(&Rig, &Path)) {
    for kind in ["memory", "sqlite"] {
        let folder = tempfile::tempdir().expect("a folder");
        let ticks = Arc::new(Manual::at(START));
        let store: Arc<dyn Store> = match kind {
            "memory" => Arc::new(Memory::new(Arc::<Manual>::clone(&ticks))),
            _ => sqlite(folder.path(), &ticks),
        };
        let rig = Rig::new(folder.path(), store, ticks);
        block(test(&rig, folder.path()));
    }
}

/// How a run ended.
pub fn ended(came: &Came) -> Ending {
    match came {
        Came::Ended(_, ending) => *ending,
        other => panic!("it has not ended: {other:?}"),
    }
}

/// What was not denied.
pub fn heard<T>(verdict: Result<Verdict<T>, Fault>) -> T {
    verdict.expect("the store works").unwrap_or_else(|denial| panic!("{denial}"))
}
