//! AWS, over its APIs, with the credentials that the official SDK finds: the environment, a profile, the role of a pod, a
//! task or a machine.

mod answer;
mod cloudwatch;
mod credentials;
mod dynamodb;
mod ecs;
mod item;
mod lambda;
mod who;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use ira_commands::ports::aws::{Account, AwsPlace};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use rand::Rng as _;
use secrecy::ExposeSecret as _;
use tokio::sync::{Mutex, OnceCell};

use super::redact::Known;
use crate::config::Config;
use crate::config::systems::AwsConfig;
use credentials::Seen;

/// The most of a text of AWS that is shown, characters.
const EXCERPT: usize = 400;

/// Every account that is configured; nothing is asked of one before it is needed.
pub struct Aws {
    config: Arc<Config>,
    accounts: Mutex<BTreeMap<String, Arc<OnceCell<Arc<Connection>>>>>,
    known: Arc<OnceLock<Known>>,
}

/// One account in one region.
struct Connection {
    place: String,
    /// Asks again what was not answered.
    reads: SdkConfig,
    /// Sends once: what was sent is sent again only by who knows what it does.
    writes: SdkConfig,
    seen: Seen,
    config: Arc<Config>,
    known: Arc<OnceLock<Known>>,
}

impl Aws {
    /// The configured ones.
    pub fn new(config: Arc<Config>) -> Self {
        Self { config, accounts: Mutex::default(), known: Arc::default() }
    }

    fn settings(&self, account: Account<'_>) -> Result<AwsConfig, Fault> {
        let all = &self.config.systems.aws;
        let Some(name) = account else { return Ok(all.own.clone()) };
        all.accounts.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = all.accounts.keys().map(String::as_str).collect();
            let hint = match known.as_slice() {
                [] => "set [aws.NAME] in the user's configuration (`ira help config`)".to_owned(),
                known => format!("configured: {}", known.join(", ")),
            };
            Fault::new(Kind::Config, format!("no [aws.{}] is configured", excerpt(name, 64))).hint(hint)
        })
    }

    async fn connection(&self, account: Account<'_>) -> Result<Arc<Connection>, Fault> {
        let cell = {
            let mut all = self.accounts.lock().await;
            Arc::clone(all.entry(account.unwrap_or_default().to_owned()).or_default())
        };
        cell.get_or_try_init(|| self.connect(account)).await.map(Arc::clone)
    }

    async fn connect(&self, account: Account<'_>) -> Result<Arc<Connection>, Fault> {
        let settings = self.settings(account)?;
        let (connect, answer) = (Duration::from_secs(settings.connect), Duration::from_secs(settings.answer));
        let client =
            Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(connect)
            .operation_attempt_timeout(answer)
            // Three attempts, and what lies between them.
            .operation_timeout(answer * 4)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(client)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3));
        if let Some(region) = settings.region {
            loader = loader.region(Region::new(region));
        }
        if let Some(profile) = settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = settings.endpoint {
            let url = endpoint.resolve_url(self.config.env())?;
            loader = loader.endpoint_url(url.expose_secret());
        }
        let sdk = loader.load().await;
        let table = account.map_or_else(|| "aws".to_owned(), |name| format!("aws.{name}"));
        let Some(region) = sdk.region().map(|region| excerpt(region.as_ref(), 40)) else {
            return Err(Fault::new(Kind::Config, "no region of AWS is known")
                .hint(format!("set `{table}.region`, AWS_REGION, or a region of the profile (`ira help config`)")));
        };
        let seen = Seen::default();
        let watched = sdk.credentials_provider().map(|provider| seen.watch(provider));
        let mut builder = sdk.into_builder();
        builder.set_credentials_provider(watched);
        let reads = builder.build();
        let once = TimeoutConfig::builder().connect_timeout(connect).operation_attempt_timeout(answer).build();
        let writes = reads.clone().into_builder().retry_config(RetryConfig::disabled()).timeout_config(once).build();
        let place = account.map_or_else(|| region.clone(), |name| format!("{name} {region}"));
        let (config, known) = (Arc::clone(&self.config), Arc::clone(&self.known));
        Ok(Arc::new(Connection { place, reads, writes, seen, config, known }))
    }
}

impl Connection {
    /// `text` without any known secret.
    fn masked(&self, text: &str) -> String {
        let known = self.known.get_or_init(|| Known::of(&self.config));
        known.masked(&self.seen.masked(text))
    }

    /// The same, cleaned and cut.
    fn said(&self, text: &str) -> String {
        excerpt(&self.masked(text), EXCERPT)
    }
}

#[async_trait]
impl AwsPlace for Aws {
    async fn place(&self, account: Account<'_>) -> Result<String, Fault> {
        Ok(self.connection(account).await?.place.clone())
    }

    fn attempt(&self) -> String {
        format!("{:016x}", rand::rng().random::<u64>())
    }
}
