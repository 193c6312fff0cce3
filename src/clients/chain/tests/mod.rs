//! The client against endpoints that answer well, badly, late, and not alike.

mod bad_answers;
mod fake;
mod reading;
mod recording;
mod secrets;
mod several;

use std::time::Duration;

use ira_commands::ports::Network;

use super::{Chain, ChainConfig, KnownNetwork};
use crate::clients::endpoint::Endpoint;
use crate::clients::scripted as server;

fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(url.to_owned().into()).expect("a URL")
}

fn known(name: &str, chain_id: u64) -> KnownNetwork {
    let network = Network { name: name.to_owned(), chain_id, native: "ETH".to_owned(), ..Network::default() };
    KnownNetwork { network, multicall3: None }
}

/// Two seconds for a request, mainnet and polygon known.
fn config(urls: &[String]) -> ChainConfig {
    ChainConfig {
        endpoints: urls.iter().map(|url| endpoint(url)).collect(),
        known: vec![known("ethereum-mainnet", 1), known("polygon-mainnet", 137)],
        timeout: Duration::from_secs(2),
        ..ChainConfig::default()
    }
}

fn chain(urls: &[String]) -> Chain {
    Chain::new(config(urls)).expect("a chain")
}
