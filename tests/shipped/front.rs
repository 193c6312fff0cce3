//! What stands before the API of a cluster: it hands everything on, and can hold one write, or its answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Gate;
use crate::people::api::{Answer, Api, Asked, silence, with};
use crate::support::run::wait_until;

/// What becomes of the write that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It never arrives.
    Before,
    /// It arrives when the front is opened.
    Until,
    /// It is done, and nobody hears of it.
    After,
}

/// The write that is meant: its method, the end of its path, and what becomes of it.
#[derive(Clone, Debug)]
struct Meant {
    method: &'static str,
    path: &'static str,
    held: Held,
}

#[derive(Default)]
struct State {
    meant: Option<Meant>,
    hit: bool,
    shut: bool,
}

/// The front of an API server.
pub struct Front {
    api: Api,
    state: Arc<Mutex<State>>,
}

impl Front {
    /// Before the server of this URL.
    pub fn of(server: &str) -> Self {
        let (server, state) = (server.to_owned(), Arc::<Mutex<State>>::default());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        // The second one in a process finds it there.
        let _there = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().danger_accept_invalid_certs(true).build().expect("a client");
        let own = Arc::clone(&state);
        let api = Api::start(move |asked| {
            let held = own.lock().expect("whole").take(asked);
            match held {
                Some(Held::Before) => {
                    own.lock().expect("whole").hit = true;
                    silence()
                }
                Some(Held::Until) => {
                    own.lock().expect("whole").hit = true;
                    wait_until("the front is opened", || !own.lock().expect("whole").shut);
                    runtime.block_on(passed(&client, &server, asked))
                }
                None => runtime.block_on(passed(&client, &server, asked)),
                Some(Held::After) => {
                    let _done = runtime.block_on(passed(&client, &server, asked));
                    own.lock().expect("whole").hit = true;
                    silence()
                }
            }
        });
        Self { api, state }
    }

    pub fn url(&self) -> String {
        self.api.url()
    }

    /// Holds the next write of this method whose path ends so.
    pub fn hold(&self, method: &'static str, path: &'static str, held: Held) {
        *self.state.lock().expect("whole") =
            State { meant: Some(Meant { method, path, held }), hit: false, shut: true };
    }

    /// Whether what is meant came by.
    pub fn is_hit(&self) -> bool {
        self.state.lock().expect("whole").hit
    }

    /// Holds nothing any more.
    pub fn open(&self) {
        *self.state.lock().expect("whole") = State::default();
    }
}

impl Gate for Front {
    fn is_hit(&self) -> bool {
        Self::is_hit(self)
    }
}

impl State {
    /// What becomes of it, where it is the one that is meant: the next one is handed on.
    fn take(&mut self, asked: &Asked) -> Option<Held> {
        let is_it = |meant: &&Meant| asked.method == meant.method && asked.place().contains(meant.path);
        let held = self.meant.as_ref().filter(is_it)?.held;
        self.meant = None;
        Some(held)
    }
}

async fn passed(client: &reqwest::Client, server: &str, asked: &Asked) -> Answer {
    let method = reqwest::Method::from_bytes(asked.method.as_bytes()).ok()?;
    let mut request = client.request(method, format!("{server}{}", asked.path)).timeout(Duration::from_secs(20));
    for name in ["authorization", "content-type", "accept"] {
        if let Some(value) = asked.headers.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = request.body(asked.body.clone()).send().await.ok()?;
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let body = answer.bytes().await.ok()?;
    with(status, &[("content-type", &kind)], &body)
}
