//! The alert of a drill, as its sender would write and sign it, brought to the daemon's own listener.

use ira_commands::date;
use ira_commands::{Fault, Kind};
use reqwest::Method;
use reqwest::header::HeaderName;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

use super::mark::LABEL;
use crate::clients::service::{Again, Call, Service};
use crate::clients::webhook::Sent;
use crate::config::intake::{ProofConfig, Scheme, Sender};
use crate::config::secret::SecretRef;
use crate::config::systems::Auth;
use crate::config::{Config, DrillConfig};

/// What sends the alert of one drill.
pub(super) struct Post {
    service: Service,
    path: String,
    version: &'static str,
    signs: Option<SecretString>,
}

impl Post {
    /// Of a drill; a fault where its sender cannot be spoken for.
    pub(super) fn of(config: &Config, drill: &DrillConfig) -> Result<Self, Fault> {
        let name = &drill.source;
        let source = config.systems.sources.get(name).ok_or_else(|| {
            Fault::new(Kind::Config, format!("there is no sender [sources.{name}]"))
                .hint("`source` of the drill names one: ira help sources")
        })?;
        let version = match source.sender {
            Sender::Alertmanager => "4",
            Sender::Grafana => "1",
            _ => return Err(mute(name, &format!("`{}` is not spoken by a drill", source.sender.word()))),
        };
        let first = |all: &[SecretRef]| {
            all.first().cloned().ok_or_else(|| Fault::new(Kind::Config, format!("[sources.{name}] has no secret")))
        };
        let env = config.env();
        let scheme = if config.daemon.tls.is_some() { "https" } else { "http" };
        let own = || format!("{scheme}://{}", config.daemon.listen);
        let url = drill.url.clone().unwrap_or_else(own);
        let url = SecretRef::Literal(SecretString::from(url));
        let open = |auth: &Auth| Service::open("the daemon", &url, auth, env);
        let mut signs = None;
        let service = match &source.proof {
            ProofConfig::Bearer(all) => open(&Auth::Bearer(first(all)?))?,
            ProofConfig::Basic(user, all) => open(&Auth::Basic(user.clone(), first(all)?))?,
            ProofConfig::Header(header, all) => {
                let secret = first(all)?.resolve(env)?;
                let header = HeaderName::from_bytes(header.as_bytes())
                    .map_err(|_| Fault::new(Kind::Config, format!("the header of [sources.{name}] is none")))?;
                let value = secret.expose_secret().to_owned();
                Service::with("the daemon", &url, Some((header, value, secret)), env)?
            }
            ProofConfig::Signed(Scheme::Grafana(None), all) => {
                let secret = first(all)?.resolve(env)?;
                let service = open(&Auth::None)?.hiding(&secret);
                signs = Some(secret);
                service
            }
            ProofConfig::Unauthenticated => open(&Auth::None)?,
            ProofConfig::Certificate(_) => return Err(mute(name, "it is proved by a certificate of its own")),
            ProofConfig::Signed(..) | ProofConfig::Inside => {
                return Err(mute(name, "its signature cannot be made here"));
            }
        };
        Ok(Self { service, path: name.clone(), version, signs })
    }

    /// Where it is brought to.
    pub(super) fn label(&self) -> String {
        self.service.label()
    }

    /// Sends it: as firing since `since` (unix seconds), or as over at `over`.
    pub(super) async fn send(&self, drill: &DrillConfig, id: &str, since: u64, over: Option<u64>) -> Result<(), Fault> {
        let mut labels = drill.labels.clone();
        labels.insert(LABEL.to_owned(), id.to_owned());
        let (since, over) = (date::stamp(since), over.map(date::stamp));
        let sent = Sent { labels, summary: "a drill", since: &since, over: over.as_deref(), fingerprint: "" };
        let message = sent.message(self.version);
        let mut call = Call::new(Method::POST, &[&self.path]);
        if let Some(secret) = &self.signs {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
            let signature = hmac::sign(&key, message.to_string().as_bytes());
            call.headers.push(("x-grafana-alerting-signature", ira_commands::units::digits(signature.as_ref())));
        }
        // It is known by what identifies it: sent twice it is one.
        self.service.ask(&call.json(message), Again::Freely).await.map(|_| ()).map_err(|broken| {
            broken.fault.hint("is the daemon there, and does `url` of the drill lead to its listener?")
        })
    }
}

fn mute(name: &str, why: &str) -> Fault {
    Fault::new(Kind::Usage, format!("no alert can be made in the name of [sources.{name}]: {why}"))
        .hint("--wait-for-alert waits for the one that monitoring sends")
}
