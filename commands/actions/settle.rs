//! What became of the attempts of before: looked at, and settled where that can be told. Nothing is done anew.

use serde_json::{Value as Json, json};

use super::{Action, Probed};
use crate::context::{Context, Ended, Open};
use crate::fault::Fault;
use crate::report::{Cell, Outcome, Report, Section, Status, Table};
use crate::transact;
use crate::units::{hex, short_hex};

/// How an attempt of before stands now.
enum Came {
    /// It was done; the transaction, where it is one, and the proof.
    Done { tx: Option<(String, String)>, block: Option<u64>, proof: String },
    /// It acted, and failed.
    Failed(String),
    /// It did not happen.
    Not(String),
    /// It cannot be told.
    Unknown(String),
    /// It could not be looked at; later it may.
    Unseen(String),
}

/// An attempt of before.
struct Settlement {
    key: String,
    what: String,
    came: Came,
}

impl Action {
    /// Settles everything that was begun before, as far as that can be told, and does nothing anew. `chain` is the chain
    /// on which the payer's transactions are settled.
    pub async fn settle(context: &Context, chain: Option<u64>) -> Result<Report, Fault> {
        let mut all = Vec::new();
        if let Some(chain_id) = chain {
            let turn = transact::turn(context, chain_id)?;
            all.extend(transact::resume(context, &turn).await?.into_iter().map(of_chain));
        }
        for open in context.open_attempts()? {
            if let Some(action) = begun(&open) {
                all.push(probed(context, &open, &action?).await?);
            }
        }
        Ok(report(&all))
    }
}

impl Action {
    /// Settles these attempts alone, as a run that goes on after a crash does; a transaction among them with every other
    /// one of its payer, on whose nonces it depends. Gives those that could not be looked at just now.
    pub async fn settle_these(context: &Context, mine: &[u64]) -> Result<Vec<u64>, Fault> {
        let open = context.open_attempts()?.into_iter().filter(|open| mine.contains(&open.id));
        let (actions, transactions): (Vec<Open>, Vec<Open>) = open.partition(|open| begun(open).is_some());
        if !transactions.is_empty() {
            let chain_id = context.chain()?.head().await?.network.chain_id;
            let turn = transact::turn(context, chain_id)?;
            transact::resume(context, &turn).await?;
        }
        let mut later = Vec::new();
        for open in actions {
            let Some(action) = begun(&open) else { continue };
            match probed(context, &open, &action?).await?.came {
                Came::Unseen(_) => later.push(open.id),
                Came::Done { .. } | Came::Failed(_) | Came::Not(_) | Came::Unknown(_) => {}
            }
        }
        Ok(later)
    }
}

/// The action of an attempt; `None` where it is a transaction.
fn begun(open: &Open) -> Option<Result<Action, Fault>> {
    let name = open.begun.get("do")?.as_str()?;
    Action::from_data(name, open.begun.get("with").cloned().unwrap_or_default())
}

async fn probed(context: &Context, open: &Open, action: &Action) -> Result<Settlement, Fault> {
    context.progress().stage(&format!("looking what became of {}", open.key));
    let step = context.reopen(open)?;
    let came = match action.act()?.probe(context, open).await {
        Ok(Probed::Done(proof)) => {
            step.end(&Ended::Done(json!({ "by": "probe", "proof": proof })))?;
            Came::Done { tx: None, block: None, proof }
        }
        Ok(Probed::Failed(why)) => {
            step.end(&Ended::Failed(json!({ "by": "probe", "reason": why })))?;
            Came::Failed(why)
        }
        Ok(Probed::NotDone(why)) => {
            step.end(&Ended::NotDone(json!({ "by": "probe", "reason": why })))?;
            Came::Not(why)
        }
        Ok(Probed::Unknown(why)) => Came::Unknown(why),
        Err(fault) if fault.kind.retryable() => Came::Unseen(fault.one_line()),
        Err(fault) => Came::Unknown(fault.one_line()),
    };
    let what = open.begun["what"].as_str().unwrap_or(&open.key).to_owned();
    Ok(Settlement { key: open.key.clone(), what, came })
}

fn of_chain(settled: transact::Settled) -> Settlement {
    let came = match &settled.result {
        Ok(mined) => Came::Done {
            tx: Some((short_hex(mined.hash.as_bytes()), hex(mined.hash.as_bytes()))),
            block: Some(mined.block),
            proof: format!("mined in block {}", mined.block),
        },
        Err(fault) => Came::Not(fault.one_line()),
    };
    Settlement { key: settled.key, what: settled.what, came }
}

impl Settlement {
    fn row(&self) -> Vec<Cell> {
        let what = Cell::from(self.what.as_str());
        match &self.came {
            Came::Done { tx: Some((short, full)), .. } => {
                vec![what, Cell::from("done").coloured(Status::Ok), Cell::shortened(short, full)]
            }
            Came::Done { proof, .. } => {
                vec![what, Cell::from("done").coloured(Status::Ok), Cell::from(proof.as_str())]
            }
            Came::Failed(why) => {
                vec![what, Cell::from("failed").coloured(Status::Critical), Cell::from(why.as_str())]
            }
            Came::Not(why) => vec![what, Cell::from("not done").coloured(Status::Warn), Cell::from(why.as_str())],
            Came::Unknown(why) | Came::Unseen(why) => {
                vec![what, Cell::from("unknown").coloured(Status::Critical), Cell::from(why.as_str())]
            }
        }
    }

    fn json(&self) -> Json {
        let (status, tx, block, reason) = match &self.came {
            Came::Done { tx, block, .. } => ("done", tx.as_ref().map(|(_, full)| full), *block, None),
            Came::Failed(why) => ("failed", None, None, Some(why)),
            Came::Not(why) => ("not-done", None, None, Some(why)),
            Came::Unknown(why) | Came::Unseen(why) => ("unknown", None, None, Some(why)),
        };
        json!({ "key": self.key, "what": self.what, "status": status, "tx": tx, "block": block, "reason": reason })
    }
}

/// What became of the attempts of before.
fn report(settled: &[Settlement]) -> Report {
    let unknown = settled.iter().filter(|one| matches!(one.came, Came::Unknown(_) | Came::Unseen(_))).count();
    let not = settled.iter().filter(|one| matches!(one.came, Came::Not(_))).count();
    let failed = settled.iter().filter(|one| matches!(one.came, Came::Failed(_))).count();
    let all = settled.len();
    let (status, headline, advice) = match (all, not, unknown) {
        (_, _, 0) if failed > 0 => (
            Status::Critical,
            format!("Settled: {failed} of {all} attempts of before acted, and failed."),
            "look at what they left behind before trying anything again.",
        ),
        (0, ..) => (Status::Ok, "Nothing is open: every attempt of before is settled.".to_owned(), ""),
        (_, 0, 0) => (Status::Ok, format!("Settled: {all} attempts of before, all done."), ""),
        (_, _, 0) => (
            Status::Warn,
            format!("Settled: {not} of {all} attempts of before did not happen."),
            "plan them anew where they are still needed.",
        ),
        _ => (
            Status::Critical,
            format!("Not settled: of {unknown} of {all} attempts of before it cannot be told whether they happened."),
            "look at them; nothing is done again before a person has said what became of them.",
        ),
    };
    let table = Table {
        columns: vec!["attempt", "status", "proof"],
        rows: settled.iter().map(Settlement::row).collect(),
        ..Table::default()
    };
    let tables = if settled.is_empty() { Vec::new() } else { vec![table] };
    Report {
        sections: vec![Section { status, headline, advice: advice.to_owned(), facts: Vec::new(), tables }],
        next: Vec::new(),
        data: json!({ "actions": settled.iter().map(Settlement::json).collect::<Vec<_>>() }),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: if not + unknown + failed == 0 { Outcome::Well } else { Outcome::Problem },
    }
}
