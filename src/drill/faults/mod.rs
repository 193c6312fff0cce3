//! What a drill breaks, one file a fault: whether the counterpart carries the mark, how it is broken, how it is taken back.

mod cache;
mod disk;
mod load;
mod pod;
mod pool;
mod proxy;
mod unit;

use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::{Fault, Kind};

use crate::config::{Config, Inject};

/// One fault. Whatever was begun is taken back by `end`, which may be asked for again, and by a process that knows nothing
/// but the configuration.
#[async_trait]
pub(super) trait Breaks: Send {
    /// Looks, and changes nothing: whether it carries its own mark, and is well. Gives what would be done, and how it is
    /// taken back.
    async fn look(&self) -> Result<String, Fault>;

    /// Breaks it; gives what was done.
    async fn begin(&mut self) -> Result<String, Fault>;

    /// Takes it back; gives what was done, nothing where nothing was left to do.
    async fn end(&mut self) -> Result<String, Fault>;
}

/// The fault that a drill names.
pub(super) fn of(config: &Arc<Config>, name: &str, inject: &Inject) -> Box<dyn Breaks> {
    let config = Arc::clone(config);
    match inject.clone() {
        Inject::StopUnit { unit } => Box::new(unit::Unit { config, unit }),
        Inject::DeletePod { namespace, selector } => Box::new(pod::Pod { config, namespace, selector }),
        Inject::ExhaustPool { server, most } => Box::new(pool::Pool { config, server, most, held: None }),
        Inject::DropHitRatio { cache, most, rate } => {
            Box::new(cache::Cache { config, server: cache, most, rate, task: None })
        }
        Inject::FillDisk { folder, percent, most } => Box::new(disk::Disk::new(name, folder, percent, most)),
        Inject::Delay { listen, to, millis } => Box::new(proxy::Proxy::new(listen, to, Some(millis))),
        Inject::Cut { listen, to } => Box::new(proxy::Proxy::new(listen, to, None)),
        Inject::Load { url, most, rate } => Box::new(load::Load { url, most, rate, task: None }),
    }
}

/// The refusal of a target that does not carry its own mark.
fn unmarked(what: &str, mark: &str) -> Fault {
    Fault::new(Kind::Denied, format!("{what} is not marked as safe for drills")).hint(format!("mark it: {mark}"))
}
