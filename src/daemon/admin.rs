//! `--admin`: how it goes, for probes and Prometheus, and the pages for people. On this machine alone where it speaks no
//! TLS: others come through a proxy that does.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response};
use rustls::ServerConfig;

use super::listen::{Answer, Body, said};
use super::web;
use super::{Shared, api, arms};
use crate::store::ask::Mails;

/// A daemon that has not looked at its clock for so long is dead, though its process is not.
const DEAD: Duration = Duration::from_secs(30);

/// How long the store is waited for.
const ASKED: Duration = Duration::from_secs(2);

/// How long a form may take to come.
const FORM: Duration = Duration::from_secs(10);

/// Answers probes and people.
pub(super) struct Admin(pub Arc<Shared>);

impl Answer for Admin {
    fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.0.loaded().admin_tls.clone()
    }

    fn unmet(&self, how: &'static str) {
        self.0.metrics.count("ira_handshakes_failed_total", &[("how", how)]);
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let path = request.uri().path();
        if path == api::PATH {
            let private = peer.ip().is_loopback() || self.tls().is_some();
            return api::answer(&self.0, request, private).await;
        }
        if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return self.page(request, peer).await;
        }
        if request.method() != Method::GET {
            return said(405, "GET only\n");
        }
        let mut response = match path {
            "/healthz" => self.alive(),
            "/readyz" => self.ready().await,
            _ => self.counted().await,
        };
        let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, text);
        response
    }
}

impl Admin {
    /// A page for people.
    async fn page(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let read = tokio::time::timeout(FORM, Limited::new(body, web::MOST_BODY).collect()).await;
        let Ok(Ok(body)) = read else { return said(413, "this form is too long, or does not come\n") };
        let asked = web::Request {
            method: &parts.method,
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body: &body.to_bytes(),
            loopback: peer.ip().is_loopback(),
        };
        let answer = self.0.web.serve(asked).await;
        // A decision may have made a run due.
        if parts.method == Method::POST {
            self.0.runs.notify_one();
        }
        answer
    }

    /// What is counted, and what is counted only now, since nobody else asks for it.
    async fn counted(&self) -> Response<Body> {
        let (metrics, loaded) = (&self.0.metrics, self.0.loaded());
        if let Ok(Ok(mails)) = tokio::time::timeout(ASKED, self.0.store.mails(Mails::Pending)).await {
            metrics.set("ira_mail_pending", &[], mails.len() as u64);
        }
        let refused = loaded.refused().count();
        metrics.set("ira_playbooks", &[("loaded", "yes")], (loaded.books.len() - refused) as u64);
        metrics.set("ira_playbooks", &[("loaded", "no")], refused as u64);
        said(200, metrics.text())
    }

    fn alive(&self) -> Response<Body> {
        let health = &self.0.health;
        let looked = Duration::from_millis(health.looked.load(Ordering::Relaxed));
        if health.since.elapsed().saturating_sub(looked) > DEAD {
            return said(503, "the clock is not looked at any more\n");
        }
        said(200, "ok\n")
    }

    /// A line for each thing that it needs; the first word says whether it is there.
    async fn ready(&self) -> Response<Body> {
        let loaded = self.0.loaded();
        let mut lines = Vec::new();
        let asked = tokio::time::timeout(ASKED, self.0.store.now()).await;
        let store = self.0.health.store.load(Ordering::Relaxed) && matches!(asked, Ok(Ok(_)));
        lines.push(format!("{} store", word(store)));
        let pager = loaded.config.systems.page.is_some();
        lines.push(format!("{} pager", if pager { "ok" } else { "missing" }));
        let (armed, how) = arms::of_alert(&loaded);
        lines.push(format!("{} arm of the alert: {how}", word(armed)));
        let refused: Vec<_> = loaded.refused().collect();
        lines.push(format!("ok playbooks: {}", loaded.books.len() - refused.len()));
        lines.extend(refused.iter().map(|(name, why)| format!("not loaded: {name}: {why}")));
        let reload = self.0.health.reload.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lines.extend(reload.map(|why| format!("not reloaded: {why}")));
        let stopping = self.0.stopping();
        lines.extend(stopping.then(|| "stopping".to_owned()));
        let status = if store && !stopping { 200 } else { 503 };
        said(status, format!("{}\n", lines.join("\n")))
    }
}

fn word(good: bool) -> &'static str {
    if good { "ok" } else { "failing" }
}
