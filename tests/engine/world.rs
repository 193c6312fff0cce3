//! Systems that are acted on, kept in a folder: what was done to them survives the process that did it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ira::engine::Hands;
use ira_commands::actions::Broken;
use ira_commands::context::{Journal, Reads, Writes};
use ira_commands::fakes::{FixedDirectory, Silent, StoppedClock};
use ira_commands::ports::Progress;
use ira_commands::ports::host::{
    ScriptEnd, ScriptFate, ScriptFile, ScriptOrder, ScriptRead, ScriptWrite, UnitBroken, UnitRead, UnitState, UnitVerb,
    UnitWrite,
};
use ira_commands::ports::people::{Channels, ChatWrite};
use ira_commands::ports::systems::{AlertRead, Firing, Witness};
use ira_commands::war_room::Room;
use ira_commands::{Context, Fault, Invocation, Kind};
use serde_json::Value as Json;

/// What happens in the middle of an effect.
pub type Amid = Box<dyn Fn(&str) -> Option<Mishap> + Send + Sync>;

/// What happens right after an effect, before anybody hears of it.
pub type After = Box<dyn Fn(&str) + Send + Sync>;

/// What goes wrong with an effect.
pub enum Mishap {
    /// It is refused: nothing is done.
    Refused,
    /// It is done, and nobody hears of it.
    Unheard,
    /// It never ends.
    Hangs,
    /// It fails half-way.
    Fails,
}

/// The systems.
pub struct World {
    folder: PathBuf,
    amid: Mutex<Option<Amid>>,
    after: Mutex<Option<After>>,
    ended: Mutex<BTreeMap<String, i32>>,
    names: AtomicU64,
}

impl World {
    pub fn at(folder: &Path) -> Arc<Self> {
        fs::create_dir_all(folder.join("units")).expect("a folder");
        fs::create_dir_all(folder.join("results")).expect("a folder");
        let (amid, after, ended, names) = (Mutex::default(), Mutex::default(), Mutex::default(), AtomicU64::new(0));
        Arc::new(Self { folder: folder.to_owned(), amid, after, ended, names })
    }

    /// Sets a unit: whether it is active, and its how-manieth run that is.
    pub fn unit(&self, name: &str, active: bool, run: u64) {
        self.stands(name, if active { "active" } else { "inactive" }, run);
    }

    fn stands(&self, name: &str, active: &str, run: u64) {
        fs::write(self.folder.join("units").join(name), format!("{active} {run}")).expect("written");
    }

    /// Sets what Alertmanager says of every alert: `yes`, `no`, or nothing that can be believed.
    pub fn fires(&self, word: &str) {
        fs::write(self.folder.join("fires"), word).expect("written");
    }

    /// What happens in the middle of every effect from now on.
    pub fn amid(&self, amid: impl Fn(&str) -> Option<Mishap> + Send + Sync + 'static) {
        *self.amid.lock().expect("whole") = Some(Box::new(amid));
    }

    /// What happens right after the next effect.
    pub fn after(&self, after: impl Fn(&str) + Send + Sync + 'static) {
        *self.after.lock().expect("whole") = Some(Box::new(after));
    }

    fn afterwards(&self, what: &str) {
        let after = self.after.lock().expect("whole").take();
        if let Some(after) = after {
            after(what);
        }
    }

    /// Nothing goes wrong from now on.
    pub fn calm(&self) {
        *self.amid.lock().expect("whole") = None;
    }

    /// Everything that was done, in order.
    pub fn done(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("ledger")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn write_down(&self, what: &str) {
        let mut ledger =
            fs::OpenOptions::new().create(true).append(true).open(self.folder.join("ledger")).expect("a ledger");
        writeln!(ledger, "{what}").and_then(|()| ledger.sync_all()).expect("written");
    }

    fn read(&self, name: &str) -> Option<(String, u64)> {
        let text = fs::read_to_string(self.folder.join("units").join(name)).ok()?;
        let (active, run) = text.split_once(' ')?;
        Some((active.to_owned(), run.parse().ok()?))
    }

    fn mishap(&self, what: &str) -> Option<Mishap> {
        self.amid.lock().expect("whole").as_ref().and_then(|amid| amid(what))
    }
}

/// The hands of an engine that reach this world.
pub struct Desk(pub Arc<World>);

#[async_trait]
impl Hands for Desk {
    async fn context(&self, _invocation: &Invocation, journal: Option<Arc<dyn Journal>>) -> Result<Context, Fault> {
        let world = || Arc::new(Ports(Arc::clone(&self.0)));
        let reads = Reads {
            units: Some(world()),
            scripts: Some(world()),
            alerts: Some(world()),
            channels: Some(world()),
            ..Reads::new(Arc::new(FixedDirectory(None)), Arc::new(StoppedClock(1)), Arc::new(Silent))
        };
        Ok(match journal {
            None => Context::dry(reads),
            Some(journal) => {
                let writes = Writes {
                    units: Some(world()),
                    scripts: Some(world()),
                    chat: Some(world()),
                    ..Writes::new(journal)
                };
                Context::acting(reads, writes)
            }
        })
    }
}

struct Ports(Arc<World>);

#[async_trait]
impl AlertRead for Ports {
    async fn firing(&self, labels: &BTreeMap<String, String>) -> Vec<Witness> {
        let word = fs::read_to_string(self.0.folder.join("fires")).unwrap_or_else(|_| "yes".to_owned());
        let fires = Firing { fingerprint: "0123456789abcdef".to_owned(), labels: labels.clone(), muted: false };
        let says = match word.as_str() {
            "yes" => Ok(vec![fires]),
            "no" => Ok(Vec::new()),
            _ => Err(Fault::new(Kind::Unreachable, "no answer")),
        };
        vec![Witness { by: "alertmanager".to_owned(), says }]
    }
}

impl Channels for Ports {
    fn pagers(&self) -> Vec<String> {
        Vec::new()
    }

    fn chat(&self) -> Option<String> {
        Some("#ops".to_owned())
    }

    fn room(&self) -> Result<Room, Fault> {
        Ok(Room::default())
    }

    fn explorer(&self, _: &str) -> Option<String> {
        None
    }
}

#[async_trait]
impl ChatWrite for Ports {
    async fn post(&self, text: &str) -> Result<(), Broken> {
        let what = format!("post {text}");
        if self.0.mishap(&what).is_some() {
            return Err(Broken::before(Fault::new(Kind::Unreachable, "no answer")));
        }
        self.0.write_down(&what);
        Ok(())
    }

    async fn post_blocks(&self, text: &str, _: &Json) -> Result<(), Broken> {
        self.post(text).await
    }
}

#[async_trait]
impl UnitRead for Ports {
    fn place(&self) -> String {
        "here".to_owned()
    }

    async fn unit(&self, name: &str) -> Result<UnitState, Fault> {
        if name.starts_with("broken") {
            return Err(Fault::new(Kind::Failed, "it cannot be read"));
        }
        let known = self.0.read(name);
        let (word, run) = known.unwrap_or_default();
        let active = word == "active";
        Ok(UnitState {
            name: name.to_owned(),
            load: if word.is_empty() { "not-found" } else { "loaded" }.to_owned(),
            // What its users see of it, which no act sets.
            result: word.clone(),
            active: word,
            sub: if active { "running" } else { "dead" }.to_owned(),
            pid: u32::try_from(if active { 100 + run } else { 0 }).expect("small"),
            invocation: format!("{run:032x}"),
            active_since: run,
            manager_since: 1,
            ..UnitState::default()
        })
    }

    async fn log(&self, _name: &str, _lines: usize) -> Vec<String> {
        Vec::new()
    }

    async fn pause(&self) {}
}

#[async_trait]
impl UnitWrite for Ports {
    async fn job(&self, verb: UnitVerb, unit: &str, _seconds: u64) -> Result<String, UnitBroken> {
        let word = match verb {
            UnitVerb::Start => "start",
            UnitVerb::Stop => "stop",
            UnitVerb::Restart => "restart",
        };
        let what = format!("{word} {unit}");
        let fault = || Fault::new(Kind::Failed, "a mishap");
        let mishap = self.0.mishap(&what);
        if matches!(mishap, Some(Mishap::Refused)) {
            return Err(UnitBroken::Refused(fault()));
        }
        self.0.write_down(&what);
        let (_, run) = self.0.read(unit).unwrap_or_default();
        if matches!(mishap, Some(Mishap::Fails)) {
            self.0.stands(unit, "failed", run + 1);
            return Ok("failed".to_owned());
        }
        match verb {
            UnitVerb::Stop => self.0.unit(unit, false, run),
            UnitVerb::Start | UnitVerb::Restart => self.0.unit(unit, true, run + 1),
        }
        self.0.afterwards(&what);
        match mishap {
            Some(Mishap::Unheard) => Err(UnitBroken::Unknown(fault())),
            Some(Mishap::Hangs) => std::future::pending().await,
            _ => Ok("done".to_owned()),
        }
    }
}

#[async_trait]
impl ScriptRead for Ports {
    fn host(&self) -> String {
        "here".to_owned()
    }

    fn name(&self) -> String {
        format!("{}-{}", std::process::id(), self.0.names.fetch_add(1, Ordering::SeqCst))
    }

    fn end_of_options(&self) -> bool {
        false
    }

    async fn find(&self, program: &str) -> Result<ScriptFile, Fault> {
        Ok(ScriptFile { path: format!("/scripts/{program}"), sha256: "0123456789abcdef".to_owned() })
    }

    async fn wait(&self, attempt: &str, _seconds: u64, _progress: &dyn Progress) -> Result<ScriptFate, Fault> {
        let known = self.0.ended.lock().expect("whole").get(attempt).copied();
        // What another process began is known by its result file, where the script has one.
        let known =
            known.or_else(|| fs::read_to_string(self.0.folder.join("results").join(attempt)).ok()?.parse().ok());
        Ok(match known {
            Some(exit) => ScriptFate::Ended(Box::new(ScriptEnd { exit: Some(exit), ..ScriptEnd::default() })),
            None => ScriptFate::Vanished,
        })
    }
}

#[async_trait]
impl ScriptWrite for Ports {
    async fn start(&self, order: &ScriptOrder) -> Result<(), Fault> {
        let what = format!("script {}", [vec![order.file.path.clone()], order.args.clone()].concat().join(" "));
        let mishap = self.0.mishap(&what);
        if matches!(mishap, Some(Mishap::Refused)) {
            return Err(Fault::new(Kind::Failed, "a mishap"));
        }
        self.0.write_down(&what);
        let exit = i32::from(matches!(mishap, Some(Mishap::Fails)));
        self.0.afterwards(&what);
        if order.file.path.contains("kept") {
            fs::write(self.0.folder.join("results").join(&order.attempt), exit.to_string()).expect("written");
        } else if !matches!(mishap, Some(Mishap::Unheard | Mishap::Hangs)) {
            self.0.ended.lock().expect("whole").insert(order.attempt.clone(), exit);
        }
        if matches!(mishap, Some(Mishap::Hangs)) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn stop(&self, _attempt: &str) -> Result<usize, Fault> {
        Ok(0)
    }
}
