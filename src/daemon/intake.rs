//! From a request to alerts on disk. A 2xx is said when every alert of the body has reached the disk, and not before.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::{Method, Request, Response};
use ira_commands::ports::Clock as _;
use rustls::ServerConfig;
use tokio::time::{Instant, timeout_at};

use super::listen::{Answer, Body, said};
use super::sources::{Batch, Head, Refusal, Source, print};
use super::tls::Peer;
use super::{Shared, beat, own};
use crate::clock::SystemClock;
use crate::engine::payload;

/// How long a body may take to come.
const BODY: Duration = Duration::from_secs(8);
/// How long the store may take; with what is before it, an answer comes within four seconds of a body's end.
const STORE: Duration = Duration::from_secs(3);
/// So much of a refused body is read, that its sender hears the answer, bytes …
const REST: usize = 1 << 20;
/// … for so long.
const PATIENCE: Duration = Duration::from_millis(500);

/// Takes alerts.
pub(super) struct Intake {
    shared: Arc<Shared>,
    loopback: bool,
    /// Bytes of bodies that are being read.
    held: AtomicUsize,
}

/// How a request ended that is not answered with 2xx.
enum No {
    Refused(Refusal),
    /// No whole body came in time.
    Slow,
    /// Its sender is gone.
    Gone,
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn later(why: &str) -> No {
    No::Refused(Refusal { status: 503, text: "try again\n", authenticated: true, why: why.to_owned() })
}

/// What is given back when the request ends: bytes, or a place.
struct Held<'a> {
    of: &'a AtomicUsize,
    bytes: usize,
}

impl Held<'_> {
    fn take(&mut self, bytes: usize, most: usize) -> bool {
        let before = self.of.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before + bytes <= most
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Answer for Intake {
    fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.shared.loaded().tls.clone()
    }

    fn unmet(&self, how: &'static str) {
        self.shared.metrics.count("ira_handshakes_failed_total", &[("how", how)]);
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let begun = Instant::now();
        let loaded = self.shared.loaded();
        let name = request.uri().path().trim_matches('/').to_owned();
        let Some(source) = loaded.sources.get(&name) else {
            self.shared.metrics.count("ira_requests_total", &[("source", ""), ("status", "404")]);
            return said(404, "nothing is taken here\n");
        };
        if request.method() != Method::POST {
            return said(405, "alerts are sent by POST\n");
        }
        let limits = &loaded.config.daemon;
        let response = match self.take(source, request, peer, limits.memory, limits.queue).await {
            Ok(()) => said(200, ""),
            Err(No::Slow) => said(408, "no whole body came in time\n"),
            Err(No::Gone) => said(400, ""),
            Err(No::Refused(refusal)) => self.refused(source, refusal).await,
        };
        let metrics = &self.shared.metrics;
        metrics.acked(begun.elapsed());
        metrics.count("ira_requests_total", &[("source", source.name()), ("status", response.status().as_str())]);
        response
    }
}

impl Intake {
    /// `loopback`: whether the listener is bound to this machine alone.
    pub(super) fn new(shared: Arc<Shared>, loopback: bool) -> Self {
        Self { shared, loopback, held: AtomicUsize::new(0) }
    }

    async fn take(
        &self,
        source: &Source,
        request: Request<Incoming>,
        peer: SocketAddr,
        memory: usize,
        queue: usize,
    ) -> Result<(), No> {
        let (parts, mut body) = request.into_parts();
        let opened = source.open(Head {
            headers: &parts.headers,
            peer: parts.extensions.get::<Peer>().map_or(&[], |peer| &peer.names),
            loopback: self.loopback && peer.ip().is_loopback(),
        });
        let mut reading = match opened {
            Ok(reading) => reading,
            Err(refusal) => {
                drain(body).await;
                return Err(refusal.into());
            }
        };
        if usize::try_from(self.shared.metrics.waiting.load(Ordering::Relaxed)).unwrap_or(usize::MAX) >= queue {
            drain(body).await;
            return Err(later("too many alerts wait to be decided"));
        }
        let mut held = Held { of: &self.held, bytes: 0 };
        let until = Instant::now() + BODY;
        while !body.is_end_stream() {
            let frame = match timeout_at(until, body.frame()).await {
                Err(_) => return Err(No::Slow),
                Ok(None) => break,
                Ok(Some(Err(_))) => return Err(No::Gone),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(part) = frame.into_data() else { continue };
            if !held.take(part.len(), memory) {
                drain(body).await;
                return Err(later("too many bodies are being read"));
            }
            if let Err(refusal) = reading.push(part) {
                drain(body).await;
                return Err(refusal.into());
            }
        }
        let batch = reading.finish(SystemClock.now()).await?;
        self.keep(source, batch).await
    }

    /// Brings what was read to the disk.
    async fn keep(&self, source: &Source, mut batch: Batch) -> Result<(), No> {
        if beat::take(&self.shared, &mut batch) {
            self.shared.health.bark(source.name());
        }
        let news = batch.news.clone();
        let alerts = alerts(source.name(), batch);
        if let Some(news) = &news {
            self.heard(news).await?;
        }
        if alerts.is_empty() {
            return Ok(());
        }
        self.store(source.name(), alerts).await
    }

    async fn store(&self, source: &str, alerts: Vec<crate::store::ask::Incoming>) -> Result<(), No> {
        let mut taking = Held { of: &self.shared.taking, bytes: 0 };
        taking.take(1, usize::MAX);
        // The store does it also where whoever asked is gone before it is done; who decides looks for it by themselves.
        let done = self.shared.store.receive(alerts);
        let metrics = &self.shared.metrics;
        let failed = |why: &str| {
            metrics.count("ira_store_errors_total", &[]);
            later(why)
        };
        match tokio::time::timeout(STORE, done).await {
            Ok(Ok(received)) => {
                let again = received.iter().filter(|one| one.again).count() as u64;
                let new = received.len() as u64 - again;
                metrics.add("ira_alerts_received_total", &[("source", source), ("again", "no")], new);
                metrics.add("ira_alerts_received_total", &[("source", source), ("again", "yes")], again);
                metrics.waiting.fetch_add(new, Ordering::Relaxed);
                self.shared.alerts.notify_one();
                Ok(())
            }
            Ok(Err(fault)) => {
                tracing::error!("alerts of {source} could not be kept: {fault}");
                Err(failed("the store failed"))
            }
            Err(_) => Err(failed("the store takes too long")),
        }
    }

    /// What happened to an incident elsewhere.
    async fn heard(&self, news: &super::sources::News) -> Result<(), No> {
        let Some(key) = news.incident.key.as_deref().filter(|_| news.what == "incident.acknowledged") else {
            return Ok(());
        };
        match self.shared.store.acknowledged(key).await {
            Ok(_) => Ok(()),
            Err(fault) => {
                tracing::error!("an acknowledgement could not be kept: {fault}");
                Err(later("the store failed"))
            }
        }
    }

    /// The answer to what is refused. A sender that is known will not come again for this body: that is an alert.
    async fn refused(&self, source: &Source, refusal: Refusal) -> Response<Body> {
        let name = source.name();
        tracing::warn!("a request to {name} was refused ({}): {}", refusal.status, refusal.why);
        if refusal.authenticated && matches!(refusal.status, 400 | 413) {
            let alert = own::refused(name, refusal.status, &refusal.why, SystemClock.now());
            if self.store("ira", vec![alert]).await.is_err() {
                // It cannot be kept that somebody is to be told: the sender comes again for a 503.
                return said(503, "try again\n");
            }
        }
        said(refusal.status, refusal.text)
    }
}

/// The alerts of a batch as they are kept, with what is to be said of those that were left out.
pub(super) fn alerts(source: &str, batch: Batch) -> Vec<crate::store::ask::Incoming> {
    let mut alerts: Vec<_> = Vec::with_capacity(batch.deliveries.len() + 1);
    let group = batch.deliveries.first().map(|first| first.group_key.clone()).unwrap_or_default();
    for delivery in batch.deliveries {
        let fingerprint = print(&delivery);
        let incident = delivery.incident.and_then(|incident| incident.key);
        let alert = delivery.incoming;
        alerts.push(crate::store::ask::Incoming {
            payload: payload(&alert, incident.as_deref()),
            fingerprint,
            delivery_id: delivery.id,
            group_key: delivery.group_key,
            over: alert.alert.resolved,
            source: alert.source,
        });
    }
    if batch.truncated > 0 {
        alerts.push(own::truncated(source, &group, batch.truncated, SystemClock.now()));
    }
    alerts
}

/// Reads on for a little: who is answered in the middle of what it sends may not hear it.
async fn drain(mut body: Incoming) {
    let until = Instant::now() + PATIENCE;
    let mut read = 0;
    while read < REST {
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => read += frame.data_ref().map_or(0, Bytes::len),
            _ => return,
        }
    }
}
