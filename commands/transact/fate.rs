//! What becomes of a transaction that was sent: watched until it is settled, and written down.

use serde_json::json;

use super::Mined;
use super::record::Record;
use crate::context::{Context, Ended, Payer, Step};
use crate::fault::{Fault, Kind};
use crate::ports::Read;
use crate::units::{hex, short_hex};
use crate::value::{H256, U256};

/// Looks in a row that must find a nonce used by a strange transaction before it is believed.
const SURE: u32 = 5;
/// Faults in a row that end the waiting.
const MOST_FAULTS: u32 = 20;
/// Looks between two sendings of the same bytes: a pool may have dropped them.
const RESEND: u32 = 12;

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A form of it is in a block that enough others follow.
    Mined { hash: H256, block: u64, success: bool, cost: U256 },
    /// Its nonce was used by a transaction that is no form of it.
    Overtaken,
}

/// Waits until what became of an attempt is settled, sending the same bytes again where they were lost.
pub(super) async fn watch(context: &Context, step: &Step<'_>, record: &Record, payer: Payer) -> Result<Fate, Fault> {
    let begun = context.now();
    let (mut faults, mut strange, mut looks) = (0, 0, 0_u32);
    // From which block on its nonce was seen to be used.
    let mut used_at = None;
    let mut was_in = None;
    loop {
        match look(context, record).await {
            Ok(Seen::Mined(fate, deep)) if deep >= payer.confirmations => return Ok(fate),
            Ok(Seen::Mined(Fate::Mined { hash, block, .. }, deep)) => {
                (faults, strange, used_at) = (0, 0, None);
                was_in = Some(block);
                let of = payer.confirmations;
                context
                    .progress()
                    .stage(&format!("{} is in block {block}: {deep} of {of} blocks", short_hex(hash.as_bytes())));
            }
            Ok(Seen::Mined(..)) => {}
            Ok(Seen::Used(head)) => {
                strange += 1;
                // An endpoint may know the nonce of a block before it finds the receipts in it.
                let since = *used_at.get_or_insert(head);
                if strange >= SURE && head.saturating_sub(since) + 1 >= payer.confirmations {
                    return Ok(Fate::Overtaken);
                }
            }
            Ok(Seen::Nothing) => {
                (faults, strange, used_at) = (0, 0, None);
                let lost = was_in.take();
                match lost {
                    Some(block) => {
                        context.progress().stage(&format!("block {block} was dropped; sending the same bytes again"));
                    }
                    None => context.progress().stage(&format!("waiting for {} to be mined", record.what)),
                }
                if (lost.is_some() || looks % RESEND == RESEND - 1)
                    && let Some(signed) = record.latest()
                {
                    // Whatever they say to it: it is the same transaction, and the next look tells.
                    let _the_chain_tells = step.chain()?.send(&signed).await;
                }
            }
            Err(fault) => {
                faults += 1;
                if faults >= MOST_FAULTS {
                    return Err(open_still(record, fault.one_line()));
                }
            }
        }
        if context.now().saturating_sub(begun) >= payer.patience {
            return Err(open_still(record, format!("it was waited for {} s", payer.patience)));
        }
        looks += 1;
        step.chain()?.pause().await;
    }
}

fn open_still(record: &Record, why: String) -> Fault {
    let hash = record.latest().map(|signed| hex(signed.hash.as_bytes())).unwrap_or_default();
    Fault::new(Kind::Busy, format!("it is not known yet what became of transaction {hash}"))
        .because(why)
        .because(format!("it is {}, with nonce {}", record.what, record.nonce))
        .hint("run it again with --resume: that settles it, and sends nothing twice")
}

/// What one look at the chain finds.
pub(super) enum Seen {
    /// See [`Fate`]; and how many blocks hold it.
    Mined(Fate, u64),
    /// No form is in a block, and yet the nonce is used, as of this block.
    Used(u64),
    /// No form is in a block, and the nonce is free.
    Nothing,
}

pub(super) async fn look(context: &Context, record: &Record) -> Result<Seen, Fault> {
    let chain = context.chain()?;
    let head = chain.head().await?;
    let mut reads = vec![Read::Nonce(record.from)];
    reads.extend(record.forms.iter().map(|form| Read::Receipt(form.hash)));
    let mut answers = chain.snapshot(&head.block, reads).await.into_iter();
    let nonce = answers.next().unwrap_or_else(|| Err(Fault::new(Kind::Failed, "was not asked")))?.u64()?;
    for (form, receipt) in record.forms.iter().zip(answers) {
        let receipt = receipt?;
        if receipt.list()?.is_empty() {
            continue;
        }
        let block = receipt.at(1)?.u64()?;
        let fate = Fate::Mined {
            hash: form.hash,
            block,
            success: receipt.at(0)?.bool()?,
            cost: receipt.at(3)?.uint()?.saturating_mul(receipt.at(4)?.uint()?),
        };
        // One that is ahead of the pinned block is not followed by anything yet.
        return Ok(Seen::Mined(fate, (head.block.number + 1).saturating_sub(block)));
    }
    Ok(if nonce > record.nonce { Seen::Used(head.block.number) } else { Seen::Nothing })
}

/// Writes down what became of an attempt, and says it.
pub(super) fn settle(step: Step<'_>, record: &Record, fate: Fate) -> Result<Mined, Fault> {
    match fate {
        Fate::Mined { hash, block, success: true, cost } => {
            let ours = record.forms.iter().any(|form| form.hash == hash && form.raw.is_some());
            let summary = format!("transaction {} in block {block}", short_hex(hash.as_bytes()));
            let hash_text = hex(hash.as_bytes());
            let proof = json!({ "summary": summary, "hash": hash_text, "block": block, "cost": cost.to_string() });
            if ours {
                step.end(&Ended::Done(proof))?;
                return Ok(Mined { hash, block, cost });
            }
            step.end(&Ended::NotDone(proof))?;
            Err(Fault::new(
                Kind::Failed,
                format!("the transaction that was to be replaced was mined first, in block {block}"),
            ))
        }
        Fate::Mined { hash, block, success: false, cost } => {
            let proof =
                json!({ "hash": hex(hash.as_bytes()), "block": block, "cost": cost.to_string(), "reverted": true });
            step.end(&Ended::NotDone(proof))?;
            Err(Fault::new(
                Kind::Failed,
                format!("transaction {} was mined and reverted: {}", hex(hash.as_bytes()), record.what),
            )
            .because(format!("it is in block {block}; its gas is paid, nothing else happened"))
            .hint("what it found on chain was not what it was planned on: run it again to see the new plan"))
        }
        Fate::Overtaken => {
            step.end(&Ended::NotDone(json!({ "overtaken": record.nonce })))?;
            Err(Fault::new(
                Kind::Failed,
                format!("nonce {} was used by another transaction: {} did not happen", record.nonce, record.what),
            )
            .hint("run it again to see the new plan; does somebody else sign with the same key?"))
        }
    }
}
