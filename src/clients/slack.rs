//! Slack: an incoming webhook.

use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::Fault;
use ira_commands::actions::Broken;
use ira_commands::ports::people::ChatWrite;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::service::{Again, Call, Service};
use crate::config::Config;
use crate::config::secret::SecretRef;
use crate::config::systems::Auth;

/// The channel behind a webhook.
pub struct Slack {
    config: Arc<Config>,
    webhook: SecretRef,
}

impl Slack {
    /// The configured one.
    pub fn new(config: Arc<Config>, webhook: SecretRef) -> Self {
        Self { config, webhook }
    }

    fn service(&self) -> Result<Service, Fault> {
        Service::open("Slack", &self.webhook, &Auth::None, self.config.env())
    }

    /// What it is called.
    pub fn label(&self) -> String {
        format!("Slack ({})", self.webhook)
    }

    /// Hands a message over.
    async fn send(&self, message: Json) -> Result<(), Broken> {
        let service = self.service().map_err(Broken::before)?;
        let call = Call::new(Method::POST, &[]).json(message);
        // A webhook knows no key: what may have been said is not said again.
        let reply = service.ask(&call, Again::Refused).await?;
        // Whatever stands in between may answer with a page of its own, and post nothing.
        if reply.body.trim_ascii_start().starts_with(b"<") {
            return Err(Broken::unknown(service.lacks("`ok`, with a web page")));
        }
        Ok(())
    }
}

#[async_trait]
impl ChatWrite for Slack {
    async fn post(&self, text: &str) -> Result<(), Broken> {
        self.send(json!({ "text": text })).await
    }

    async fn post_blocks(&self, text: &str, blocks: &Json) -> Result<(), Broken> {
        // The text is read out by notifications, where a mention in it would count.
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.send(json!({ "text": text, "blocks": blocks })).await
    }
}
