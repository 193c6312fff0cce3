//! Adapters to the world outside: each implements a port of `ira-commands`.

pub mod alertmanager;
#[cfg(feature = "aws")]
pub mod aws;
pub mod chain;
pub mod directory;
pub mod endpoint;
pub mod http;
mod journald;
pub mod kept;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod node;
pub mod opsgenie;
pub mod pager;
pub mod pagerduty;
pub mod postgres;
pub mod prometheus;
pub mod redact;
pub mod redis;
#[cfg(target_os = "linux")]
pub mod runner;
#[cfg(target_os = "linux")]
pub mod script;
#[cfg(test)]
mod scripted;
pub mod senders;
pub mod service;
pub mod slack;
pub mod sns;
pub mod systemd;
pub mod tickets;
mod tls;
pub mod web;
pub mod webhook;

/// The name of this machine.
pub(crate) fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    ira_commands::text::excerpt(&name, 64)
}
