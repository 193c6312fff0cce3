//! Where configuration and adapters are plugged in: everything the wiring asks of them, and nothing else.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::alert::Alert;
use ira_commands::context::Reads;
use ira_commands::ports::{DirectoryText, FeedDirectory, Network, Progress};
use ira_commands::{Fault, Invocation, Kind, Report};

use crate::cli::{Color, ConfigVerb, Format, Reach};
use crate::clock::SystemClock;
use crate::complete::KnownFeed;
use crate::terminal::Env;

/// What the configuration says about how results are shown; flags win over it.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The form of the result.
    pub format: Option<Format>,
    /// When to colour.
    pub color: Option<Color>,
    /// Cells in full.
    pub wide: bool,
    /// Healthy rows too.
    pub verbose: bool,
    /// What the reader of the configuration noticed that is no error.
    pub warnings: Vec<String>,
}

/// Reads the configuration; `file` stands in for the user's.
pub fn settings(_file: Option<&Path>, _env: Env<'_>) -> Result<Settings, Fault> {
    Ok(Settings::default())
}

/// What was connected to.
pub struct Connection {
    /// The ports.
    pub reads: Reads,
    /// What the reader should know about how they are reached (a URL that looks keyed).
    pub warnings: Vec<String>,
}

/// The ports that `invocation` may use, reached as the command line and the configuration say.
pub fn connect(
    _invocation: &Invocation,
    _reach: &Reach,
    _settings: &Settings,
    _env: Env<'_>,
    progress: Arc<dyn Progress>,
) -> Result<Connection, Fault> {
    let reads = Reads { chain: None, directory: Arc::new(NoDirectory), clock: Arc::new(SystemClock), progress };
    Ok(Connection { reads, warnings: Vec::new() })
}

/// The recorded chain that ships, and what is asked of it.
pub fn demo(_progress: Arc<dyn Progress>) -> Result<(Invocation, Reads), Fault> {
    Err(Fault::new(Kind::Failed, "this build holds no recording to show"))
}

/// `ira config show` and `ira config check`.
pub fn config(_verb: ConfigVerb, _file: Option<&Path>, _env: Env<'_>) -> Result<Report, Fault> {
    Err(Fault::new(Kind::Failed, "this build reads no configuration"))
}

/// Reads an alert as it was sent or pasted; a group is several.
pub fn alerts(text: &str) -> Result<Vec<Alert>, Fault> {
    let alert = serde_json::from_str(text)
        .map_err(|error| Fault::new(Kind::Usage, "this is no alert").because(error.to_string()))?;
    Ok(vec![alert])
}

/// The feeds that can be named on `network`, else on the configured one: from the directory's cache, without a network.
pub fn known_feeds(_network: Option<&str>) -> Vec<KnownFeed> {
    Vec::new()
}

/// The names of all networks that are known.
pub fn known_networks() -> Vec<String> {
    Vec::new()
}

/// No feeds are published anywhere.
struct NoDirectory;

#[async_trait]
impl FeedDirectory for NoDirectory {
    async fn directory(&self, _network: &Network) -> Result<Option<DirectoryText>, Fault> {
        Ok(None)
    }
}
