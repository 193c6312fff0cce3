//! The chain test bed: real contracts on a local chain, made once and loaded from its saved state.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Which saved chain.
#[derive(Clone, Copy)]
pub enum Chain {
    /// Every situation, one feed each.
    Situations,
    /// A hundred feeds.
    Fleet,
    /// Randomness requests, one for each cause.
    Vrf,
    /// 500 pending requests over 50,000 blocks.
    VrfMany,
}

impl Chain {
    fn stem(self) -> &'static str {
        match self {
            Self::Situations => "situations",
            Self::Fleet => "fleet",
            Self::Vrf => "vrf",
            Self::VrfMany => "vrf-many",
        }
    }

    /// The directory that lists its feeds.
    pub fn directory(self) -> PathBuf {
        folder().join(match self {
            Self::Situations => "directory.json",
            Self::Fleet => "fleet-directory.json",
            Self::Vrf | Self::VrfMany => panic!("no directory lists coordinators"),
        })
    }
}

/// Where the bed keeps what it made.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/beds/chain")
}

/// Makes the bed where it is not there yet; a no-op of some 50 ms where it is.
fn make() {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/beds/chain/bed.mjs");
        let status = Command::new("node").arg(script).stdin(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => panic!("the chain test bed could not be made ({status}); its own message is above"),
            Err(error) => panic!("the chain test bed needs Node.js 20 or newer: node: {error}"),
        }
    });
}

/// A local chain, loaded with a saved state; ends with the value.
pub struct Bed {
    /// What the bed says of itself: addresses, accounts, head.
    pub about: Value,
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// The port alone.
    pub port: u16,
    child: Child,
}

impl Bed {
    /// Starts a chain of its own.
    pub fn start(chain: Chain) -> Self {
        make();
        let about: Value = serde_json::from_slice(
            &std::fs::read(folder().join(format!("{}.json", chain.stem()))).expect("the bed describes itself"),
        )
        .expect("the description is JSON");
        let mut args = vec!["--load-state".to_owned()];
        args.push(folder().join(format!("{}.state", chain.stem())).display().to_string());
        args.extend(about["anvil_args"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        let bed = Self::spawn(about, &args);
        bed.replay("after_load");
        bed
    }

    /// Starts a chain of its own with nothing on it but anvil's accounts.
    pub fn fresh(args: &[&str]) -> Self {
        make();
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self::spawn(Value::Null, &args)
    }

    fn spawn(about: Value, args: &[String]) -> Self {
        let anvil = folder().join("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
        let port = free_port();
        let mut child = Command::new(anvil)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().expect("anvil can be asked");
            assert!(ended.is_none(), "anvil ended at once: {ended:?}");
            assert!(begun.elapsed() < Duration::from_secs(60), "anvil is not up after a minute");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { about, url: format!("http://127.0.0.1:{port}"), port, child }
    }

    /// Sends the calls that the description lists under `name`.
    pub fn replay(&self, name: &str) {
        for call in self.about[name].as_array().into_iter().flatten() {
            self.rpc(call["method"].as_str().expect("a method"), &call["params"]);
        }
    }

    /// One JSON-RPC call; fails the test on an error.
    pub fn rpc(&self, method: &str, params: &Value) -> Value {
        let answer =
            post(self.port, &json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// A field of a situation's description, as text.
    pub fn of(&self, situation: &str, field: &str) -> String {
        self.about["feeds"][situation][field]
            .as_str()
            .unwrap_or_else(|| panic!("{situation} has no {field}"))
            .to_owned()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The chain of situations that all tests share: for reading only.
#[expect(clippy::zombie_processes, reason = "it outlives this process by design, and ends a second later")]
pub fn shared() -> &'static Bed {
    static SHARED: OnceLock<Bed> = OnceLock::new();
    SHARED.get_or_init(|| {
        // A static is never dropped: the chain is told to end with this process by a watcher of its pid.
        let bed = Bed::start(Chain::Situations);
        let watch =
            format!("while kill -0 {} 2>/dev/null; do sleep 1; done; kill {}", std::process::id(), bed.child.id());
        Command::new("sh")
            .args(["-c", &watch])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        bed
    })
}

/// A port that was free a moment ago, and is given to nobody else of this process. Below those that the system hands out
/// to clients, so that none of them takes it in the meantime.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 1_000).unwrap_or(0) * 10;
    (0..10_000)
        .map(|_| 20_000 + start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 10_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

/// Posts JSON to a port of this machine; gives the answer's body.
pub fn post(port: u16, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the chain listens");
    let head = format!(
        "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer.split_once("\r\n\r\n").expect("an HTTP answer").1.to_owned()
}
