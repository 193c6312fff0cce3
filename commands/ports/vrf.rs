//! What the configuration says of VRF on a network.

use std::fmt;
use std::str::FromStr;

use crate::units;
use crate::value::{H160, U256};
use crate::words::{Address, Id};

/// The VRF coordinators of a network, and whose requests may be paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VrfSettings {
    /// Known coordinators of any version, each once: those that ship, then those of the configuration.
    pub coordinators: Vec<H160>,
    /// Whose requests may be paid for without a person naming them; nobody's where it is empty.
    pub fund: Vec<Fundable>,
}

/// Somebody whose requests may be paid for. Read and shown as `sub:ID`, `owner:ADDRESS`, `consumer:ADDRESS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fundable {
    /// A subscription, by its id.
    Subscription(U256),
    /// Every subscription of this owner.
    Owner(H160),
    /// Every subscription on which this consumer waits for an answer. That it is registered there proves nothing: anyone
    /// may register anyone's.
    Consumer(H160),
}

impl fmt::Display for Fundable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(id) => write!(f, "sub:{id}"),
            Self::Owner(account) => write!(f, "owner:{}", units::address(*account)),
            Self::Consumer(account) => write!(f, "consumer:{}", units::address(*account)),
        }
    }
}

impl FromStr for Fundable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().split_once(':') {
            Some(("sub", id)) => id.parse().map(|Id(id)| Self::Subscription(id)),
            Some(("owner", account)) => account.parse().map(|Address(account)| Self::Owner(account)),
            Some(("consumer", account)) => account.parse().map(|Address(account)| Self::Consumer(account)),
            _ => Err("it takes sub:ID, owner:ADDRESS or consumer:ADDRESS".to_owned()),
        }
    }
}
