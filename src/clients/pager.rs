//! Who takes a page: the configured provider, and where that does not take it, the fallback.

use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::actions::{Broken, Left};
use ira_commands::ports::people::{ChatWrite as _, Page, PageVerb, Paged, PagerWrite};
use ira_commands::{Fault, Kind};
use serde_json::Value as Json;

use super::opsgenie::Opsgenie;
use super::pagerduty::Events;
use super::slack::Slack;
use crate::config::Config;
use crate::config::systems::{Channel, PageConfig, SystemsConfig};

/// The most of a page's details that stands in a message, characters.
const MOST_DETAILS: usize = 2_000;

/// The configured channels, in the order in which they are tried.
pub struct Pager {
    config: Arc<Config>,
    channels: Vec<Channel>,
}

/// The channels of a page, in order.
pub fn channels(page: &PageConfig) -> Vec<Channel> {
    std::iter::once(page.provider).chain(page.fallback).collect()
}

impl Pager {
    /// As it is configured.
    pub fn new(config: Arc<Config>, page: &PageConfig) -> Self {
        Self { config, channels: channels(page) }
    }

    /// Hands a page over to one of the channels; gives who took it.
    pub async fn by(&self, channel: Channel, page: &Page) -> Result<String, Broken> {
        let config = Arc::clone(&self.config);
        let SystemsConfig { page: paging, opsgenie, slack, .. } = &self.config.systems;
        let unset = |what: &str| Broken::before(Fault::new(Kind::Config, format!("`{what}` is not configured")));
        match channel {
            Channel::PagerDuty => {
                let paging = paging.as_ref().ok_or_else(|| unset("page"))?;
                let key = paging.routing_key.clone().ok_or_else(|| unset("page.routing_key"))?;
                Events::new(config, paging.url.clone(), key).page(page).await
            }
            Channel::Opsgenie => {
                let own = opsgenie.clone().ok_or_else(|| unset("opsgenie.key"))?;
                Opsgenie::new(config, own).page(page).await
            }
            Channel::Slack => {
                let webhook = slack.clone().ok_or_else(|| unset("slack.webhook"))?;
                let slack = Slack::new(config, webhook);
                slack.post(&message(page)).await?;
                Ok(slack.label())
            }
        }
    }
}

/// A page as a message.
fn message(page: &Page) -> String {
    let verb = match page.verb {
        PageVerb::Trigger => "PAGE",
        PageVerb::Acknowledge => "acknowledged",
        PageVerb::Resolve => "resolved",
    };
    let mut text = format!("{verb} {} {} ({}, key {})", page.severity, page.summary, page.source, page.key);
    if let Some(details) = page.details.get("details").and_then(Json::as_str) {
        text.push('\n');
        text.extend(details.chars().take(MOST_DETAILS));
    }
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[async_trait]
impl PagerWrite for Pager {
    async fn page(&self, page: &Page) -> Result<Paged, Broken> {
        let mut failed: Option<Broken> = None;
        for channel in &self.channels {
            match self.by(*channel, page).await {
                Ok(by) => return Ok(Paged { by, instead: failed.map(|broken| broken.fault.one_line()) }),
                Err(broken) => {
                    failed = Some(match failed {
                        None => broken,
                        // What one of them may have taken may have been taken.
                        Some(first) => Broken {
                            left: if first.left == Left::Nothing { broken.left } else { first.left },
                            fault: first.fault.because(format!("and then: {}", broken.fault.one_line())),
                        },
                    });
                }
            }
        }
        Err(failed.unwrap_or_else(|| Broken::before(Fault::new(Kind::Config, "nobody is configured to be paged"))))
    }
}
