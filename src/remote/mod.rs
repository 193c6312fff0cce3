//! `daemon.url`: what a person asks is asked of the daemon, so that its guards, locks and budgets count for both. Where it
//! cannot be reached nothing is done: two of whom neither knows of the other are worse than none.

mod ask;
mod follow;
mod permit;
mod remedy;
pub mod wire;

use std::sync::Arc;

use ira_commands::{Fault, Kind};
use reqwest::Method;

use crate::cli::{Format, OutputFlags};
use crate::clients::service::{Again, Call, Service};
use crate::config::Config;
use crate::config::systems::Auth;
use crate::connect;
use crate::session::Session;
use crate::terminal::{write_stderr, write_stdout};
use wire::{Answer, Ask, PATH, Request, Shown};

pub use ask::{freeze, promote, run, thaw};
pub use permit::{Leave, leave};
pub use remedy::remediate;

/// How long one answer may take, seconds.
const PATIENCE: u64 = 60;

/// The daemon that is asked.
pub struct Daemon {
    service: Service,
    shown: Shown,
}

impl Daemon {
    /// The one of `daemon.url`; none where there is none.
    pub fn of(session: &mut Session, output: &OutputFlags) -> Result<Option<Self>, Fault> {
        let config = connect::effective(output)?;
        session.configure(config.output);
        Self::new(session, &config)
    }

    fn new(session: &Session, config: &Arc<Config>) -> Result<Option<Self>, Fault> {
        let Some(url) = &config.remote.url else { return Ok(None) };
        let token = config.remote.token.clone().ok_or_else(|| {
            Fault::new(Kind::Config, "daemon.url is set, and daemon.token is not").hint(
                "token = \"file:…\" in [daemon]: a token of yours, of which the daemon has the hash in [users.NAME]",
            )
        })?;
        let service = Service::open("the daemon", url, &Auth::Bearer(token), config.env())?.within(PATIENCE);
        if !service.is_private() {
            return Err(Fault::new(Kind::Config, "daemon.url would carry the token in the clear")
                .because(service.label())
                .hint("https://…, or an address of this machine (ssh -L 9098:127.0.0.1:9098 HOST)"));
        }
        Ok(Some(Self { service, shown: session.shown() }))
    }

    /// Where it is.
    pub fn label(&self) -> String {
        self.service.label()
    }

    /// Says on stderr who is asked.
    pub fn announce(&self) {
        write_stderr(&format!("asked of {}\n", self.label()));
    }

    /// Asks. What changes something is asked once: whether it was done is not known where no answer came.
    pub async fn ask(&self, ask: Ask, again: Again) -> Result<Answer, Fault> {
        let request = Request { ask, shown: self.shown };
        let json = serde_json::to_value(&request).map_err(|error| Fault::new(Kind::Failed, error.to_string()))?;
        let call = Call::new(Method::POST, &PATH).json(json);
        let reply = self.service.ask(&call, again).await.map_err(|broken| {
            let kind = match broken.fault.kind {
                Kind::Timeout | Kind::Unreachable | Kind::BadAnswer => Kind::Unreachable,
                other => other,
            };
            Fault { kind, ..broken.fault }.because("nothing is done without the daemon that `daemon.url` names")
        })?;
        let answer = self.service.json(&reply)?;
        serde_json::from_value(answer).map_err(|error| {
            self.service.fault(
                Fault::new(Kind::BadAnswer, "answers with what this ira does not know").because(error.to_string()),
            )
        })
    }

    /// What it refused, as a fault.
    fn refused(&self, answer: &Answer) -> Fault {
        let kind = if answer.code == Kind::Busy.exit_code() { Kind::Busy } else { Kind::Denied };
        let mut lines = answer.aside.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or("it was not permitted").trim_start_matches("Error: ").to_owned();
        let fault = Fault::new(kind, format!("{}: {first}", self.label()));
        lines.fold(fault, |fault, line| match line.strip_prefix("hint: ") {
            Some(hint) => fault.hint(hint),
            None => fault.because(line),
        })
    }

    /// Whether the result is for a program.
    pub fn is_json(&self) -> bool {
        self.shown.format == Format::Json
    }
}

/// Shows an answer; gives its exit code.
fn show(answer: &Answer) -> u8 {
    write_stderr(&answer.aside);
    match write_stdout(&answer.out) {
        Ok(()) => answer.code,
        Err(_) => Kind::Failed.exit_code(),
    }
}
