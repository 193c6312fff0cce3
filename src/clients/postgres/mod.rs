//! PostgreSQL, and the console of PgBouncer: a session for each question, with deadlines, and read-only unless it is to
//! write.

mod drill;
mod pooler;
mod read;
mod said;
mod session;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use ira_commands::text::{excerpt, nearest};
use ira_commands::{Fault, Kind};

use crate::config::Config;
use crate::config::systems::DataConfig;

pub use drill::Held;
pub use pooler::PgBouncer;

/// The PostgreSQL servers of the configuration.
pub struct Postgres(Arc<Config>);

impl Postgres {
    /// All that are configured.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    fn named(&self, name: &str) -> Result<&DataConfig, Fault> {
        named("postgres", &self.0.systems.postgres, name)
    }
}

/// One of a table by its name. The fault names the nearest.
pub(super) fn named<'a>(
    table: &str,
    all: &'a BTreeMap<String, DataConfig>,
    name: &str,
) -> Result<&'a DataConfig, Fault> {
    all.get(name).ok_or_else(|| {
        let known = || all.keys().map(String::as_str);
        let hint = match nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of: {}", known().collect::<Vec<_>>().join(", ")),
        };
        Fault::new(Kind::Usage, format!("no [{table}.{}] is configured", excerpt(name, 64))).hint(hint)
    })
}

/// Who would be asked: the name of the configuration, and the address.
pub(super) fn label(config: &Config, one: &DataConfig) -> Result<String, Fault> {
    Ok(format!("{} ({})", one.name, one.place(config.env())?.address()))
}
