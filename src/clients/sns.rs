//! Amazon SNS: the certificate that signs its messages, and the confirmation of a subscription.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::{Fault, Kind};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::endpoint::Endpoint;
use super::http;
use crate::config::Config;
use crate::config::env::AWS_ENDPOINT_URL;
use crate::daemon::sources::Topics;

/// A sender waits for its answer meanwhile.
const PATIENCE: Duration = Duration::from_secs(3);
/// No certificate is longer, bytes.
const MOST: usize = 64 << 10;

/// SNS itself.
pub struct Sns(Arc<Config>);

impl Sns {
    /// As the environment of `config` has it.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    /// Where the topic's region is asked.
    fn region(&self, topic: &str) -> Result<Url, Fault> {
        let wrong = |why: &str| Fault::new(Kind::Config, format!("SNS cannot be asked: {why}"));
        if let Some(url) = self.0.env().get(AWS_ENDPOINT_URL)? {
            return Url::parse(&url).map_err(|_| wrong("AWS_ENDPOINT_URL is no URL"));
        }
        let mut parts = topic.split(':').skip(1);
        let (partition, region) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        let end = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        Url::parse(&format!("https://sns.{region}.{end}/")).map_err(|_| wrong("the ARN of the topic names no region"))
    }
}

async fn get(url: &Url) -> Result<Vec<u8>, Fault> {
    // What stands in the query is a token: nothing of the URL but its host is said.
    let mut base = url.clone();
    base.set_query(None);
    let endpoint = Endpoint::new(SecretString::from(base.as_str()))?;
    let client = http::client(&endpoint, PATIENCE, 0)?;
    let sent = client.get(url.clone()).send().await;
    let mut response = sent.map_err(|error| http::cannot(&endpoint, &error.without_url()))?;
    let status = response.status();
    if !status.is_success() {
        let why = format!("{} answers {}", endpoint.label(), status.as_u16());
        return Err(Fault::new(Kind::BadAnswer, why));
    }
    http::body(&endpoint, &mut response, MOST).await
}

#[async_trait]
impl Topics for Sns {
    async fn certificate(&self, url: &Url) -> Result<Vec<u8>, Fault> {
        get(url).await
    }

    async fn confirm(&self, topic: &str, token: &SecretString) -> Result<(), Fault> {
        let mut url = self.region(topic)?;
        url.query_pairs_mut()
            .append_pair("Action", "ConfirmSubscription")
            .append_pair("TopicArn", topic)
            .append_pair("Token", token.expose_secret())
            .append_pair("Version", "2010-03-31");
        let answer = get(&url).await?;
        // Whatever stands in between may answer with a page of its own.
        if String::from_utf8_lossy(&answer).contains("SubscriptionArn") {
            return Ok(());
        }
        Err(Fault::new(Kind::BadAnswer, "SNS answers without a subscription"))
    }
}
