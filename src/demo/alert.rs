//! The scene: a shop is killed and comes back; a till answers what nobody can use, and somebody is paged.

use std::time::Duration;

use ira_commands::ports::Clock as _;
use ira_commands::{Fault, Kind, units};
use serde_json::{Value as Json, json};

use super::around::{Around, Firing};
use super::children::{self, Daemon, Kept};
use super::files::Folder;
use super::words;
use crate::cli::Format;
use crate::clock::SystemClock;
use crate::session::{self, Session};
use crate::store::ask::Filter;
use crate::store::model::RunId;
use crate::store::{self, Store};
use crate::{input, runs};

/// How often something is looked at.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the daemon has to begin a run, and the pager to be told.
const PATIENCE: Duration = Duration::from_secs(30);

/// The shop that is killed.
const SHOP: Firing =
    Firing { fingerprint: "5d0f3a1c9b7e2246", name: "ShopDown", service: "shop", summary: "the shop does not answer" };
/// The till that no restart mends.
const TILL: Firing =
    Firing { fingerprint: "8c41e67a02d95fb3", name: "TillBroken", service: "till", summary: "the till answers 503" };
/// What comes after it, where it is meant.
const NEXT: [&str; 4] = [
    "ira help config                    # write /etc/ira/config.toml: who sends alerts, who is paged",
    "ira daemon --check                 # what is missing, and which playbooks would answer",
    "ira daemon --alertmanager-routes   # what Alertmanager needs: ira first, the pager where that does not help",
    "ira daemon --unit                  # the hardened systemd units",
];

/// Shows it; gives the exit code.
pub fn alert(session: &Session) -> Result<u8, Fault> {
    let aloud = session.format() != Format::Json;
    let data = session::block_on(async { Scene::set(aloud)?.play(session.can_ask()).await })?;
    let mut report = runs::line("One alert was answered, and for the other one somebody was paged.".to_owned());
    report.data = data;
    if aloud { Ok(0) } else { Ok(session.show(report, 0)) }
}

/// Everything that takes part.
struct Scene {
    aloud: bool,
    shop: Kept,
    till: Kept,
    daemon: Daemon,
    around: Around,
    pages: String,
    // Last: what the others use goes after them.
    folder: Folder,
}

impl Scene {
    fn set(aloud: bool) -> Result<Self, Fault> {
        let (folder, around) = (Folder::new()?, Around::start()?);
        let shop = Kept::start(SHOP.service, 200, &folder)?;
        let till = Kept::start(TILL.service, 503, &folder)?;
        folder.playbook(SHOP.service, SHOP.name, &shop.url())?;
        folder.playbook(TILL.service, TILL.name, &till.url())?;
        // Somebody else may take the port before the daemon does.
        let mut tries = 0..4;
        loop {
            let port = children::port()?;
            let pages = format!("http://127.0.0.1:{port}");
            folder.configure(&around, &pages)?;
            match Daemon::start(&folder, port) {
                Ok(daemon) => return Ok(Self { aloud, shop, till, daemon, around, pages, folder }),
                Err(fault) if tries.next().is_none() => return Err(fault),
                Err(_) => {}
            }
        }
    }

    fn say(&self, text: &str) {
        if self.aloud {
            session::written(0, text);
        }
    }

    /// Plays it; `stays` where a person is there, who may look at the pages as long as they like.
    async fn play(mut self, stays: bool) -> Result<Json, Fault> {
        let store = store::open(&self.folder.store())?;
        self.say(&words::opening(&self.daemon.intake, &self.pages));

        let killed = self.shop.kill();
        self.say(&format!("1. The shop is killed (process {killed}).\n"));
        let first = self.answered(&*store, SHOP).await?;
        self.around.over(SHOP.fingerprint);
        self.say(&words::mended(&first));
        if !self.around.pages().is_empty() {
            return Err(Fault::new(Kind::Failed, "somebody was paged for what was mended"));
        }

        self.say("\n2. The till answers 503: it cannot read its books, and no restart mends that.\n");
        let second = self.answered(&*store, TILL).await?;
        let page = self.paged().await?;
        let shown = words::page(&page);
        self.say(&format!("   Not mended: a person is woken. What their pager shows:\n\n{shown}\n"));

        if self.aloud && stays {
            self.say(&format!("All of it goes on for you to look at: {}/runs\nEnter ends it. ", self.pages));
            self.until_enter().await?;
        } else {
            self.say(&format!(
                "The pages were at {}/runs; at a terminal they stay until you press Enter.\n",
                self.pages
            ));
        }
        self.say(&words::next(&NEXT));
        Ok(json!({ "runs": [first, second], "pages": [page], "next": NEXT }))
    }

    /// Lets an alert fire, and shows the run that answers it; gives how it ended.
    async fn answered(&mut self, store: &dyn Store, alert: Firing) -> Result<Json, Fault> {
        let (name, playbook) = (alert.name, format!("{}-down", alert.service));
        let since = ira_commands::date::stamp(SystemClock.now());
        let sent = self.around.fire(alert, &since, &self.daemon.intake, self.folder.token()).await?;
        self.say(&format!("   {name} fires; Alertmanager sends {sent} bytes to /alertmanager: 200, it is on disk.\n"));
        let run = self.run_of(store, &playbook).await?;
        self.say(&format!("   Run {run} of the playbook {playbook}:\n"));
        let aloud = self.aloud;
        let follow = async {
            runs::follow(store, run, |line: &str| {
                if let Some(line) = words::line(line).filter(|_| aloud) {
                    session::written(0, &line);
                }
            })
            .await
        };
        tokio::select! {
            done = follow => done?,
            failed = self.keep() => return Err(failed),
        }
        let story = store.run(run).await?.ok_or_else(|| Fault::new(Kind::Failed, "the run is gone"))?;
        Ok(json!({
            "alert": name,
            "playbook": playbook,
            "run": run.0,
            "state": story.run.state.word(),
            "note": story.run.note,
            "took": units::duration(story.run.ended_at.unwrap_or_default().saturating_sub(story.run.admitted_at) / 1_000),
        }))
    }

    /// The run of a playbook, once there is one.
    async fn run_of(&mut self, store: &dyn Store, playbook: &str) -> Result<RunId, Fault> {
        let search = async {
            loop {
                let all = store.runs(Filter::All).await?;
                if let Some(run) = all.iter().find(|run| run.playbook.as_deref() == Some(playbook)) {
                    return Ok(run.id);
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let late = || Fault::new(Kind::Timeout, "the daemon does not answer the alert");
        tokio::time::timeout(PATIENCE, search).await.map_err(|_| late())?
    }

    /// The page, once it came.
    async fn paged(&self) -> Result<Json, Fault> {
        let told = async {
            loop {
                if let Some(page) = self.around.pages().pop() {
                    return page;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let late = |_| Fault::new(Kind::Timeout, "nobody was paged");
        tokio::time::timeout(PATIENCE, told).await.map_err(late).map(|mut page| {
            // Whose pager it is, is nobody's business.
            page.as_object_mut().and_then(|page| page.remove("routing_key"));
            page
        })
    }

    /// Keeps the services, as systemd would; ends only where that cannot be done.
    async fn keep(&mut self) -> Fault {
        loop {
            if let Err(fault) = self.shop.look().and_then(|()| self.till.look()) {
                return fault;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn until_enter(&mut self) -> Result<(), Fault> {
        let line = tokio::task::spawn_blocking(input::line);
        tokio::select! {
            _ = line => Ok(()),
            failed = self.keep() => Err(failed),
        }
    }
}
