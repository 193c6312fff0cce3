//! The pages in Debian's Chromium: they look right on a phone at night, and what changes is seen without reading again.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ira::daemon::web::{Body, Request, Web};
use ira_commands::playbook::Mode;

use crate::engine::books::{RESTART, of};
use crate::engine::{Rig, on_each};
use crate::support::{debian, in_repository};

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

/// A browser without a window that looks at a page. Ended by its own handle.
struct Browser(Child, BufReader<ChildStdout>);

impl Browser {
    /// Opens `url`, keeps a picture of it as `shot`, and waits for `text`.
    fn open(url: &str, shot: &Path, text: &str) -> Self {
        let mut child = Command::new("node")
            .arg(in_repository("tests/beds/chromium/look.mjs"))
            .args([url, &shot.display().to_string(), text])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Self(child, out)
    }

    /// The next line that it says.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.1.read_line(&mut line).expect("a line");
        line
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends Chromium, too, when it is asked to.
        let pid = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.0.wait();
    }
}

#[test]
fn a_run_is_seen_live_on_a_phone_at_night() {
    if !debian(&["chromium", "fonts-dejavu-core"]) {
        return;
    }
    on_each(async |rig, _| {
        let run = rig.admit_as(&of(RESTART), "one", Mode::Approve, Vec::new()).await.expect("admitted");
        rig.drive(run).await;
        let web = Web::new(Arc::clone(&rig.store), std::collections::BTreeMap::new(), None).expect("made");
        let url = format!("http://{}/runs/{run}", serve(Arc::new(web)).await);
        // The picture is kept with what the tests made: somebody can look at it.
        let shot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run-page.png");
        let opened = shot.clone();
        let look = move || {
            let mut browser = Browser::open(&url, &opened, "yes to the plan");
            (browser.says(), browser)
        };
        let (open, mut browser) = tokio::task::spawn_blocking(look).await.expect("it opens");
        let facts: serde_json::Value = serde_json::from_str(open.strip_prefix("open ").expect(&open)).expect("facts");
        assert_eq!(facts["wider"], false, "nothing has to be moved sideways: {facts}");
        assert_eq!(facts["back"], "rgb(16, 20, 26)", "it is dark");
        assert!(facts["text"].as_str().is_some_and(|text| text.contains("Somebody has to agree")), "{facts}");
        let png = std::fs::read(&shot).expect("a screenshot");
        assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000, "{} bytes", png.len());
        // The page is open while the plan is agreed to: what it shows then was not in what was sent first.
        agreed(rig, run).await;
        let seen = tokio::task::spawn_blocking(move || browser.says()).await.expect("it looks");
        assert_eq!(seen, "seen\n");
    });
}

async fn agreed(rig: &Rig, run: ira::store::model::RunId) {
    let hash = rig.story(run).await.run.plan_hash.expect("planned");
    rig.engine.answer(run, &hash, true, "anna").await.expect("works").expect("heard");
    rig.drive(run).await;
}
