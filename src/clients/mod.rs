//! Adapters: each implements one port.

pub mod directory;
pub mod tls;
