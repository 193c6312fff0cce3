//! What stands around a daemon: an Alertmanager that says what fires and sends it, and a pager that wakes people. Both
//! speak as the real ones do, and are threads of this process.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use ira_commands::{Fault, Kind};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::http;
use crate::clients::service::{Again, Call, Service};
use crate::clients::webhook::Sent;
use crate::config::env::SystemEnv;
use crate::config::secret::SecretRef;
use crate::config::systems::Auth;

/// An alert that fires.
#[derive(Clone, Debug)]
pub(super) struct Firing {
    /// What Alertmanager knows it by.
    pub fingerprint: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The service that it is about.
    pub service: &'static str,
    /// What it says.
    pub summary: &'static str,
}

impl Firing {
    fn labels(&self) -> BTreeMap<String, String> {
        let all = [("alertname", self.name), ("service", self.service), ("severity", "critical")];
        all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// As Alertmanager's API lists it.
    fn listed(&self) -> Json {
        json!({ "fingerprint": self.fingerprint, "labels": self.labels(), "status": { "state": "active" } })
    }

    /// As Alertmanager sends it to a receiver; `since` is RFC 3339.
    fn message(&self, since: &str) -> Json {
        let (summary, fingerprint) = (self.summary, self.fingerprint);
        Sent { labels: self.labels(), summary, since, over: None, fingerprint }.message("4")
    }
}

/// What stands around.
pub(super) struct Around {
    /// Where the pager is.
    pub pager: String,
    /// Where the Alertmanager is.
    pub alertmanager: String,
    fire: Arc<Mutex<Vec<Firing>>>,
    pages: Arc<Mutex<Vec<Json>>>,
}

impl Around {
    /// Starts both.
    pub(super) fn start() -> Result<Self, Fault> {
        let fire: Arc<Mutex<Vec<Firing>>> = Arc::default();
        let pages: Arc<Mutex<Vec<Json>>> = Arc::default();
        let (listed, told) = (Arc::clone(&fire), Arc::clone(&pages));
        let alertmanager = serve(move |asked| match asked.what {
            ("GET", "/api/v2/alerts") => {
                let all = listed.lock().unwrap_or_else(PoisonError::into_inner);
                (200, Json::Array(all.iter().map(Firing::listed).collect()).to_string())
            }
            ("POST", "/api/v2/alerts") => (200, String::new()),
            _ => (404, String::new()),
        })?;
        let pager = serve(move |asked| {
            let event: Json = serde_json::from_slice(asked.body).unwrap_or_default();
            let answer = json!({ "status": "success", "message": "Event processed", "dedup_key": event["dedup_key"] });
            told.lock().unwrap_or_else(PoisonError::into_inner).push(event);
            (202, answer.to_string())
        })?;
        Ok(Self { pager, alertmanager, fire, pages })
    }

    /// Lets an alert fire, and sends it to the receiver at `url`, which wants `token`. Gives what was sent, bytes.
    pub(super) async fn fire(&self, alert: Firing, since: &str, url: &str, token: SecretRef) -> Result<usize, Fault> {
        let message = alert.message(since);
        self.fire.lock().unwrap_or_else(PoisonError::into_inner).push(alert);
        let url = SecretRef::Literal(format!("{url}/alertmanager").into());
        let service = Service::open("the daemon", &url, &Auth::Bearer(token), &SystemEnv)?;
        let length = message.to_string().len();
        let call = Call::new(Method::POST, &[]).json(message);
        service.ask(&call, Again::Freely).await.map_err(|broken| broken.fault)?;
        Ok(length)
    }

    /// An alert is over.
    pub(super) fn over(&self, fingerprint: &str) {
        self.fire.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| one.fingerprint != fingerprint);
    }

    /// The pages that somebody was woken by, oldest first, as PagerDuty's API takes them.
    pub(super) fn pages(&self) -> Vec<Json> {
        let all = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|event| event["event_action"] == "trigger").cloned().collect()
    }
}

/// Starts a thread that answers; gives its URL.
fn serve(answer: impl Fn(&http::Asked<'_>) -> (u16, String) + Send + Sync + 'static) -> Result<String, Fault> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (at, listener) =
        listener.map_err(|error| Fault::new(Kind::Failed, "nothing can be listened on").because(error.to_string()))?;
    std::thread::spawn(move || http::serve(&listener, answer));
    Ok(format!("http://{at}"))
}
