//! The pages in Debian's Chromium: they look right on a phone at night, and what changes is seen without reading again.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ira::config::env::{Env as _, SystemEnv};
use ira::daemon::web::{Body, Request, Web};
use ira_commands::playbook::Mode;

use crate::engine::books::{RESTART, of};
use crate::engine::{Rig, on_each};
use crate::support::in_repository;

/// Whether it is there, or could be installed.
fn is_there() -> bool {
    let script = in_repository("tests/beds/chromium/install.sh");
    let there = Command::new(script).stdin(Stdio::null()).status().is_ok_and(|status| status.success());
    if !there {
        assert!(SystemEnv.get("CI").expect("readable").is_none(), "CI has Chromium");
        eprintln!("skipped: chromium is not to be had");
    }
    there
}

/// Serves the pages on a port of this machine.
async fn serve(web: Arc<Web>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a browser");
            let web = Arc::clone(&web);
            let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let web = Arc::clone(&web);
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.expect("a body").to_bytes();
                    let request = Request {
                        method: &parts.method,
                        path: parts.uri.path(),
                        query: parts.uri.query().unwrap_or_default(),
                        headers: &parts.headers,
                        body: &body,
                        loopback: true,
                    };
                    Ok::<hyper::Response<Body>, Infallible>(web.serve(request).await)
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    at
}

/// A browser without a window, of the size of a phone, at night. Ended by its own handle.
struct Browser(Child, PathBuf);

impl Browser {
    fn start(folder: &Path, args: &[&str], url: &str) -> Self {
        let out = folder.join("out");
        let profile = folder.join("profile");
        let child = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-dark-mode"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
            .args(["--disable-sync", "--window-size=390,844", "--proxy-server=direct://"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(args)
            .arg(url)
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out).expect("a file"))
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium starts");
        Self(child, out)
    }

    /// What it wrote, when it is done.
    async fn wrote(mut self) -> String {
        let begun = Instant::now();
        while self.0.try_wait().expect("it can be asked").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(90), "chromium does not end");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::fs::read_to_string(&self.1).expect("what it wrote")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_run_is_seen_live_on_a_phone_at_night() {
    if !is_there() {
        return;
    }
    on_each(async |rig, folder| {
        let run = rig.admit_as(&of(RESTART), "one", Mode::Approve, Vec::new()).await.expect("admitted");
        rig.drive(run).await;
        let web = Web::new(Arc::clone(&rig.store), std::collections::BTreeMap::new(), None).expect("made");
        let url = format!("http://{}/runs/{run}", serve(Arc::new(web)).await);
        // The page as it is kept with what the tests made: somebody can look at it.
        let shot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run-page.png");
        let taken = format!("--screenshot={}", shot.display());
        Browser::start(&folder.join("shot"), &[&taken, "--virtual-time-budget=2000"], &url).wrote().await;
        let png = std::fs::read(&shot).expect("a screenshot");
        assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000, "{} bytes", png.len());
        // The page is open while the plan is agreed to: what it shows then was never in what was sent first.
        let browser = Browser::start(&folder.join("live"), &["--dump-dom", "--timeout=6000"], &url);
        tokio::time::sleep(Duration::from_secs(2)).await;
        agreed(rig, run).await;
        let seen = browser.wrote().await;
        assert!(seen.contains("succeeded") && seen.contains("yes to plan"), "{seen}");
    });
}

async fn agreed(rig: &Rig, run: ira::store::model::RunId) {
    let hash = rig.story(run).await.run.plan_hash.expect("planned");
    rig.engine.answer(run, &hash, true, "anna").await.expect("works").expect("heard");
    rig.drive(run).await;
}
