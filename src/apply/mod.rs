//! What is done by hand: show the plan, ask, do it, show what came of it.

mod line;
mod ports;
mod runbook;
mod stranger;
mod tell;

use std::path::PathBuf;
use std::sync::Arc;

use dialoguer::console::Term;
use ira_commands::actions::{Action, Applied, Caps, Plan, not_ours};
use ira_commands::value::U256;
use ira_commands::{Context, Effect, Fault, Kind, Report};

use crate::cli::{Agreement, Reach};
use crate::config::Config;
use crate::remote;
use crate::session::Session;
use crate::terminal::Env;

use line::filled;
pub(crate) use ports::{Ports, unlock};
use ports::{journal, with_ports};
pub use runbook::mend;
use stranger::named_again;
pub use tell::tell;

/// What is asked around what is to be done.
pub struct Way {
    /// How the chain is reached.
    pub reach: Reach,
    /// How it is agreed to.
    pub agreement: Agreement,
    /// How long one transaction is waited for, seconds.
    pub patience: u64,
    /// Whether it is about a chain.
    pub needs_chain: bool,
    /// The effective configuration.
    pub config: Arc<Config>,
    /// The configuration file that was named.
    pub file: Option<PathBuf>,
    /// The file of the alert that says what it is about.
    pub alert: Option<PathBuf>,
}

/// Runs an action; gives the exit code.
pub fn act(session: &mut Session, action: &Action, way: &Way, env: Env<'_>) -> Result<u8, Fault> {
    if way.agreement.resume {
        let report = with_ports(session, way, env, async |ports| {
            let key = ports.key(way).await?;
            let context = ports.acting(key.as_ref().map(|(_, locked)| locked.payer), None)?;
            Action::settle(&context, key.map(|(network, _)| network.chain_id)).await
        })?;
        return Ok(shown(session, report));
    }
    if action.effect() == Effect::Read {
        let report = with_ports(session, way, env, async |ports| action.run(&Context::dry(ports.reads.clone())).await)?;
        return Ok(shown(session, report));
    }
    let (plan, stranger) = with_ports(session, way, env, async |ports| {
        let key = ports.key(way).await?;
        let context = Context::dry(ports.reads.clone()).paid_by(key.map(|(_, locked)| locked.payer));
        let plan = action.plan(&context).await?;
        plan.within(&action.caps())?;
        Ok((plan, action.stranger(&context).await?))
    })?;
    let proposal = |plan: &Plan| Proposal {
        report: plan.report(),
        plan: plan.clone(),
        given: action.caps(),
        line: match stranger {
            // A person has to be there: no line does it alone.
            Some(_) => way.open_line(action.words()),
            None => way.line(action.clone().capped(&filled(&action.caps(), plan)).words()),
        },
        stranger,
    };
    if let Word::Ended(code) = proposal(&plan).put(session, &way.agreement)? {
        return Ok(code);
    }
    if let Some(id) = stranger {
        named_again(id)?;
    }
    let applied = permitted(session, way, &plan, |session| {
        with_ports(session, way, env, async |ports| {
            let key = ports.key(way).await?;
            let signer = key.as_ref().map(|(_, locked)| unlock(&ports.reads, locked, &way.config)).transpose()?;
            let context = ports.acting(key.map(|(_, locked)| locked.payer), signer)?;
            action.apply(&context, &plan).await
        })
    })?;
    match applied {
        Applied::Done(report) => Ok(shown(session, *report)),
        Applied::Changed(plan) => Ok(proposal(&plan).changed(session)),
    }
}

/// Does what was agreed to with the leave of the daemon, where one is named, and tells it how that ended.
fn permitted<T>(
    session: &mut Session,
    way: &Way,
    plan: &Plan,
    work: impl FnOnce(&mut Session) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let leave = remote::leave(session, &way.config, plan)?;
    let done = work(session);
    if let Some(leave) = leave {
        // What was begun and is not settled is in the journal of this machine.
        let open = journal().and_then(|journal| journal.open()).map_or(true, |open| !open.is_empty());
        let said = match &done {
            _ if open => None,
            Ok(_) => Some(true),
            Err(_) => Some(false),
        };
        let note = done.as_ref().err().map(Fault::one_line).unwrap_or_default();
        session.warn(leave.ended(said, &note));
    }
    done
}

/// A plan that somebody has to agree to.
struct Proposal {
    report: Report,
    plan: Plan,
    /// The caps that were given.
    given: Caps,
    /// The line that carries it out without asking.
    line: String,
    /// The subscription that it pays for though nobody said that it is ours.
    stranger: Option<U256>,
}

/// What was said to a plan.
enum Word {
    /// It is agreed to.
    Go,
    /// It ends here, with this exit code.
    Ended(u8),
}

impl Proposal {
    /// Shows the plan and asks, as far as that is to be done.
    fn put(mut self, session: &Session, agreement: &Agreement) -> Result<Word, Fault> {
        if agreement.dry_run || self.plan.is_nothing() {
            if !self.plan.is_nothing() {
                self.report.next = vec![self.line];
            }
            return Ok(Word::Ended(session.show(self.report, 0)));
        }
        if let Some(id) = self.stranger.filter(|_| agreement.yes || !session.can_ask()) {
            self.report.next = vec![self.line];
            let fault = not_ours(id, &self.plan);
            let code = fault.kind.exit_code();
            self.report.errors.push(fault);
            return Ok(Word::Ended(session.show(self.report, code)));
        }
        if agreement.yes {
            if self.plan.uncapped(&self.given) {
                return Err(Fault::new(Kind::Usage, "--yes needs a cap for each currency that the plan spends")
                    .because(self.plan.headline())
                    .hint(self.line));
            }
        } else if !session.can_ask() {
            let why = "nothing was done: it has to be confirmed, and there is no terminal to ask at";
            return Ok(Word::Ended(self.unconfirmed(session, why)));
        } else {
            session.tell(&self.report);
            if !asked()? {
                return Err(Fault::new(Kind::Confirmation, "nothing was done: it was not agreed to"));
            }
        }
        Ok(Word::Go)
    }

    /// Shows the plan in place of one that was agreed to.
    fn changed(self, session: &Session) -> u8 {
        let why = "nothing was done: what the plan was made on has changed since; this is the new plan";
        self.unconfirmed(session, why)
    }

    /// Shows a plan that is not carried out, and the line that does.
    fn unconfirmed(self, session: &Session, why: &str) -> u8 {
        let mut report = self.report;
        let fault = Fault::new(Kind::Confirmation, why).hint(self.line.clone());
        report.next = vec![self.line];
        let code = fault.kind.exit_code();
        report.errors.push(fault);
        session.show(report, code)
    }
}

/// Shows what came of it; a fault in it says how it ended.
fn shown(session: &Session, report: Report) -> u8 {
    let code = report.errors.first().map_or(report.outcome.exit_code(), |fault| fault.kind.exit_code());
    session.show(report, code)
}

/// Asks the person at the terminal.
pub fn asked() -> Result<bool, Fault> {
    dialoguer::Confirm::new()
        .with_prompt("Go ahead?")
        .default(false)
        .interact_on(&Term::stderr())
        .map_err(|error| Fault::new(Kind::Interrupted, "nothing was done").because(error.to_string()))
}
