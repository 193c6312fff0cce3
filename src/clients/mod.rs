//! Adapters: each implements one port.

pub mod tls;
