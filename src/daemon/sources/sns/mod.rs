//! Amazon SNS over HTTPS: a message is taken from a topic that the configuration names, with a signature by a
//! certificate of the region's SNS; it carries the body of another sender.

mod carried;
mod signature;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use ira_commands::Fault;
use ira_commands::date::moment;
use ira_commands::text::excerpt;
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use super::json::{fits, unreadable};
use super::{Batch, Limits, Refusal};

/// SNS tries for an hour at most; what is older is somebody's copy.
const OLDEST: u64 = 49 * 3_600;
/// The most certificates that are remembered: a region has one at a time.
const CERTIFICATES: usize = 16;

/// What is asked of SNS itself.
#[async_trait]
pub trait Topics: Send + Sync {
    /// The certificate at `url`, which is one of SNS: PEM.
    async fn certificate(&self, url: &Url) -> Result<Vec<u8>, Fault>;

    /// Confirms the subscription to the topic with this ARN.
    async fn confirm(&self, topic: &str, token: &SecretString) -> Result<(), Fault>;
}

/// A message. The form over HTTP and that for Lambda spell one name differently.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "MessageId")]
    id: String,
    topic_arn: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(rename = "Message")]
    text: String,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL", alias = "SigningCertUrl")]
    certificate: String,
    #[serde(rename = "SubscribeURL", alias = "SubscribeUrl", default)]
    subscribe: Option<String>,
    #[serde(default)]
    token: Option<String>,
}

/// Certificates that have proved a message, by their URL.
#[derive(Default)]
pub(super) struct Certificates(Mutex<BTreeMap<String, Vec<u8>>>);

impl Certificates {
    fn get(&self, url: &Url) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(url.as_str()).cloned()
    }

    fn keep(&self, url: &Url, pem: Vec<u8>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= CERTIFICATES {
            all.clear();
        }
        all.insert(url.as_str().to_owned(), pem);
    }
}

/// The alerts of a message of one of `topics`, at `now`.
pub(super) async fn read(
    body: &[u8],
    topics: &[String],
    sns: &dyn Topics,
    known: &Certificates,
    limits: &Limits,
    now: u64,
) -> Result<Batch, Refusal> {
    // Nothing is proved before the signature is: whatever is wrong until then is a stranger's.
    let stranger = |refusal: Refusal| Refusal { authenticated: false, ..refusal };
    limits.shallow(body).map_err(stranger)?;
    let message: Message = serde_json::from_slice(body).map_err(|error| stranger(unreadable(&error)))?;
    if !topics.contains(&message.topic_arn) {
        return Err(Refusal::stranger(format!("`{}` is not one of its `topics`", excerpt(&message.topic_arn, 120))));
    }
    let url = signature::certificate_url(&message.certificate).map_err(Refusal::stranger)?;
    let pem = match known.get(&url) {
        Some(pem) => pem,
        None => sns.certificate(&url).await.map_err(|fault| {
            let why = format!("the certificate of SNS cannot be had: {}", fault.message);
            Refusal { authenticated: false, ..Refusal::later(why) }
        })?,
    };
    signature::check(&message, &pem, now).map_err(Refusal::stranger)?;
    known.keep(&url, pem);
    let at = moment(&message.timestamp).ok_or_else(|| Refusal::malformed("its `Timestamp` is no time"))?;
    if now.saturating_sub(at) > OLDEST {
        return Err(Refusal::stranger(format!("it was sent {} h ago", (now - at) / 3_600)));
    }
    match message.kind.as_str() {
        "Notification" => {
            fits("MessageId", &message.id)?;
            carried::read(&message.text, &message.id, limits, now)
        }
        "SubscriptionConfirmation" => {
            let token = message.token.filter(|token| !token.is_empty() && token.len() <= 4096);
            let token = token.ok_or_else(|| Refusal::malformed("there is no `Token` in it"))?;
            let confirmed = sns.confirm(&message.topic_arn, &SecretString::from(token)).await;
            confirmed
                .map_err(|fault| Refusal::later(format!("the subscription cannot be confirmed: {}", fault.message)))?;
            Ok(Batch { note: Some("the subscription to the topic is confirmed"), ..Batch::default() })
        }
        "UnsubscribeConfirmation" => {
            Err(Refusal::malformed("somebody ended the subscription to the topic: no alert will come from it"))
        }
        other => Err(Refusal::malformed(format!("its type is `{}`", excerpt(other, 40)))),
    }
}
