//! `ira vrf-runbook --apply` by hand: settle what is open, find what is wrong, show the plan, ask, mend, wait.

use ira_commands::actions::Caps;
use ira_commands::vrf_runbook::{self, Args, Came, Mending, Strangers};
use ira_commands::words::Id;
use ira_commands::{Context, Fault, Kind, Report};

use super::line::filled;
use super::ports::{Ports, unlock, with_ports};
use super::stranger::named_again;
use super::{Proposal, Way, Word, permitted, shown};
use crate::session::Session;
use crate::terminal::Env;

/// Mends what the runbook finds; gives the exit code.
pub fn mend(session: &mut Session, args: &Args, way: &Way, env: Env<'_>) -> Result<u8, Fault> {
    let agreement = &way.agreement;
    let settles = agreement.resume || (agreement.yes && !agreement.dry_run);
    let settled = if settles { with_ports(session, way, env, async |ports| settled(ports, way).await)? } else { None };
    if !args.apply {
        let report = with_ports(session, way, env, async |ports| {
            vrf_runbook::run(args, &Context::dry(ports.reads.clone())).await
        })?;
        return Ok(ended(session, way, settled.as_ref(), report));
    }
    let strangers = strangers(session, args, way)?;
    let mending = with_ports(session, way, env, async |ports| {
        let payer = ports.key(way).await?.map(|(_, locked)| locked.payer);
        if payer.is_some() && !settles && !agreement.dry_run {
            vrf_runbook::none_open(&ports.acting(payer, None)?).await?;
        }
        let context = Context::dry(ports.reads.clone()).paid_by(payer);
        let mending = vrf_runbook::plan(args, &context, strangers, settled.is_some()).await?;
        mending.plan().within(&args.caps())?;
        Ok(mending)
    })?;
    if mending.is_nothing() && !mending.waits() {
        return Ok(ended(session, way, settled.as_ref(), mending.report()));
    }
    if !mending.is_nothing() {
        if let Word::Ended(code) = proposal(args, way, settled.as_ref(), &mending).put(session, agreement)? {
            return Ok(code);
        }
        if let Some(stranger) = mending.stranger() {
            named_again(stranger)?;
        }
    }
    let work = async |ports: &Ports| {
        let key = ports.key(way).await?;
        let signs = key.as_ref().filter(|_| !mending.is_nothing());
        let signer = signs.map(|(_, locked)| unlock(&ports.reads, locked, &way.config)).transpose()?;
        let context = ports.acting(key.map(|(_, locked)| locked.payer), signer)?;
        vrf_runbook::apply(args, &context, &mending).await
    };
    let came = if mending.is_nothing() {
        with_ports(session, way, env, work)?
    } else {
        permitted(session, way, mending.plan(), |session| with_ports(session, way, env, work))?
    };
    match came {
        Came::Done(report) => Ok(ended(session, way, settled.as_ref(), *report)),
        Came::Changed(mending) => Ok(proposal(args, way, settled.as_ref(), &mending).changed(session)),
    }
}

/// Settles what was begun before; `None` where nothing was, or no key is configured that could have.
async fn settled(ports: &Ports, way: &Way) -> Result<Option<Report>, Fault> {
    match ports.key(way).await? {
        Some((_, locked)) => vrf_runbook::settle(&ports.acting(Some(locked.payer), None)?).await,
        None => Ok(None),
    }
}

/// Shows what came of it, with what comes next.
fn ended(session: &Session, way: &Way, settled: Option<&Report>, report: Report) -> u8 {
    let mut report = whole(settled, report);
    session.next(&mut report, &way.reach, false);
    shown(session, report)
}

fn whole(settled: Option<&Report>, report: Report) -> Report {
    match settled {
        Some(settled) => vrf_runbook::after(settled.clone(), report),
        None => report,
    }
}

fn proposal(args: &Args, way: &Way, settled: Option<&Report>, mending: &Mending) -> Proposal {
    let plan = mending.plan().clone();
    let Caps { link, native } = filled(&args.caps(), &plan);
    let capped = Args { max_spend: link, max_spend_native: native, ..args.clone() };
    Proposal {
        report: whole(settled, mending.report()),
        plan,
        given: args.caps(),
        line: way.line(capped.words()),
        stranger: None,
    }
}

/// One subscription that is not listed may be funded where a person names it, and is there to name it again.
fn strangers(session: &Session, args: &Args, way: &Way) -> Result<Strangers, Fault> {
    let asks = session.can_ask() && !way.agreement.yes;
    match args.subscription.as_deref().filter(|_| asks) {
        Some(id) => id
            .parse::<Id>()
            .map(|id| Strangers::Named(id.0))
            .map_err(|why| Fault::new(Kind::Usage, format!("--subscription: {why}"))),
        None => Ok(Strangers::Never),
    }
}
