//! Who breaks something and takes it back: this same binary in a session of its own. It takes back when it is told to,
//! when its time is over, and when whoever started it is dead. What a dead injector leaves behind is written down beside
//! the journal before it is done, and taken back by whoever comes next: [`take_back`].

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ira_commands::text::{clean, excerpt};
use ira_commands::{Fault, Kind};
use tokio::sync::mpsc;

use super::faults;
use crate::cli::OutputFlags;
use crate::config::{Config, Inject};
use crate::remediate::state;
use crate::session::patiently;
use crate::{connect, keep, store};

/// The name under which this binary is one.
pub(super) const NAME: &str = "ira-drill";
/// What it is told: take it back, and stay.
pub(super) const BACK: &str = "BACK";
/// What it says when it is broken, and when it is taken back, before the words.
pub(super) const DONE: &str = "DONE ";
/// What it says where that did not work, before the words.
pub(super) const FAILED: &str = "FAILED ";

/// How often it is tried to take it back …
const TRIES: u32 = 5;
/// … and how long is waited in between.
const PAUSE: Duration = Duration::from_secs(2);

/// Is one where this process was started as such; `None` where it is `ira` itself.
pub fn entry(args: &[OsString]) -> Option<ExitCode> {
    let [name, drill, config] = args else { return None };
    if name != NAME {
        return None;
    }
    let config = (!config.is_empty()).then(|| PathBuf::from(config));
    let output = OutputFlags { config, ..OutputFlags::default() };
    let done = inject(drill.to_str().unwrap_or_default(), &output);
    if let Err(fault) = &done {
        say(FAILED, &fault.one_line());
    }
    Some(ExitCode::from(u8::from(done.is_err())))
}

/// Says a line to whoever started it, who may be dead.
fn say(word: &str, text: &str) {
    let _nobody_listens = writeln!(std::io::stdout(), "{word}{}", excerpt(&clean(text), 300));
}

/// What is said to it, line by line; it ends with whoever says it.
fn told() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(std::io::stdin()).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn inject(name: &str, output: &OutputFlags) -> Result<(), Fault> {
    // Neither Ctrl-C at the terminal nor its end reaches a session of its own.
    rustix::process::setsid()
        .map_err(|error| Fault::new(Kind::Failed, "it gets no session of its own").because(error.to_string()))?;
    let config = connect::effective(output)?;
    let drill = config
        .engine
        .drills
        .get(name)
        .filter(|drill| drill.safe)
        .ok_or_else(|| Fault::new(Kind::Denied, format!("the target of [drill.{}] is not marked", clean(name))))?;
    let folder = state()?;
    let mut told = told();
    patiently(Box::pin(async {
        let _held = hold(&folder, name)?;
        let mut fault = faults::of(&config, name, &drill.inject);
        fault.look().await?;
        write_down(&folder, name, &drill.inject)?;
        let until = tokio::time::Instant::now() + Duration::from_secs(drill.within);
        match fault.begin().await {
            Ok(said) => say(DONE, &said),
            Err(why) => {
                // It may be half done.
                fault.end().await?;
                forget(&folder, name)?;
                return Err(why);
            }
        }
        let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .map_err(|error| Fault::new(Kind::Failed, "signals cannot be heard").because(error.to_string()))?;
        loop {
            let goes_on = tokio::select! {
                line = told.recv() => line.is_some(),
                _ = terminated.recv() => false,
                () = tokio::time::sleep_until(until) => false,
            };
            let said = ended(fault.as_mut()).await?;
            forget(&folder, name)?;
            say(DONE, &said);
            if !goes_on {
                return Ok(());
            }
        }
    }))
}

/// Takes it back, and tries again where that did not work.
async fn ended(fault: &mut dyn faults::Breaks) -> Result<String, Fault> {
    for _ in 1..TRIES {
        if let Ok(said) = fault.end().await {
            return Ok(said);
        }
        tokio::time::sleep(PAUSE).await;
    }
    fault.end().await
}

/// Where it is written down what is broken.
fn notes(folder: &Path) -> PathBuf {
    folder.join("drills")
}

/// Keeps another from breaking the same, or from taking it back.
fn hold(folder: &Path, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
    store::hold(folder, &format!("drill-{name}-fault"))
}

fn write_down(folder: &Path, name: &str, inject: &Inject) -> Result<(), Fault> {
    let file = notes(folder).join(format!("{name}.json"));
    let text = serde_json::to_vec(inject).unwrap_or_default();
    let written = keep::private_folder(&notes(folder)).and_then(|()| keep::replace(&file, &text));
    let synced = written
        .and_then(|()| fs::File::open(&file)?.sync_all())
        .and_then(|()| fs::File::open(notes(folder))?.sync_all());
    synced.map_err(|error| {
        Fault::new(Kind::Failed, format!("{} cannot be written: nothing was done", file.display()))
            .because(error.to_string())
    })
}

fn forget(folder: &Path, name: &str) -> Result<(), Fault> {
    match fs::remove_file(notes(folder).join(format!("{name}.json"))) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Fault::new(Kind::Failed, "it cannot be written down that it was taken back").because(error.to_string()))
        }
        _ => Ok(()),
    }
}

/// The drills of which something is broken.
fn broken(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(notes(folder)).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned())).collect()
}

/// The drills of which something is broken, and whose own process has yet to take it back.
pub(super) fn under_way() -> Result<Vec<String>, Fault> {
    Ok(broken(&state()?))
}

/// Waits for a process that is killed to be gone.
async fn patiently_held(folder: &Path, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
    let until = tokio::time::Instant::now() + PAUSE;
    loop {
        match hold(folder, name) {
            Err(fault) if fault.kind == Kind::Busy && tokio::time::Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            held => return held,
        }
    }
}

/// Takes back what dead injectors left; gives what was done, a line for each, and what could not be.
pub(super) async fn take_back(config: &Arc<Config>) -> Result<Vec<Result<String, Fault>>, Fault> {
    let folder = state()?;
    let mut all = Vec::new();
    for name in &broken(&folder) {
        // Whoever has it takes it back by themselves.
        let Ok(_held) = patiently_held(&folder, name).await else { continue };
        let path = notes(&folder).join(format!("{name}.json"));
        // Read once it is held: it may just have been taken back.
        let Some(inject) = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Inject>(&text).ok()) else {
            continue;
        };
        let taken = faults::of(config, name, &inject).end().await.and_then(|said| {
            forget(&folder, name)?;
            Ok(if said.is_empty() { format!("{name}: nothing was left of it") } else { format!("{name}: {said}") })
        });
        all.push(taken.map_err(|fault| fault.wrap(format!("what the drill {name} broke is not taken back"))));
    }
    Ok(all)
}
