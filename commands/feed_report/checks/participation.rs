//! Who took part in the rounds of the window, by oracle index: the ground of several checks and of the oracle table.

use crate::fault::Fault;

use super::super::facts::{Facts, Transmission};

/// One oracle's part in the rounds of the configuration in force.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Part {
    /// Rounds that hold its observation.
    pub observed: u64,
    /// Rounds at the end of the window without it.
    pub missed_in_a_row: u64,
    /// Newest round with it.
    pub last_round: Option<u64>,
    /// When that was, unix seconds, where known.
    pub last_seen: Option<u64>,
    /// Rounds that it transmitted.
    pub transmitted: u64,
    /// Whether it is in each round, oldest first.
    pub rounds: Vec<bool>,
}

/// Every oracle's part, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participation {
    /// How many rounds were looked at.
    pub rounds: u64,
    /// By oracle index.
    pub parts: Vec<Part>,
}

/// Counts over the transmissions under the configuration in force.
pub fn participation(facts: &Facts) -> Result<Participation, Fault> {
    let oracles = facts.oracles.as_ref().map_err(Clone::clone)?;
    let current = facts.current()?;
    let parts = (0..oracles.len()).map(|index| part(index, oracles[index].account, &current)).collect();
    Ok(Participation { rounds: current.len() as u64, parts })
}

fn part(index: usize, account: crate::value::H160, current: &[&Transmission]) -> Part {
    let mut part = Part { rounds: Vec::with_capacity(current.len()), ..Part::default() };
    for one in current {
        let here = one.observers.iter().any(|observer| usize::from(*observer) == index);
        part.rounds.push(here);
        if here {
            part.observed += 1;
            part.missed_in_a_row = 0;
            part.last_round = Some(one.round);
            part.last_seen = one.updated_at.or(one.observed_at);
        } else {
            part.missed_in_a_row += 1;
        }
        if one.transmitter == account {
            part.transmitted += 1;
        }
    }
    part
}
