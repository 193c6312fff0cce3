//! Adapters to the world outside: each implements a port of `ira-commands`.

pub mod chain;
pub mod directory;
pub mod endpoint;
pub mod http;
pub mod node;
#[cfg(test)]
mod scripted;
