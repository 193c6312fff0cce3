//! Actions on a real chain: what is sent, what is not, and what is left after a crash.

mod blockhash;
mod crash;
pub(crate) mod funding;
pub(crate) mod nonces;

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::bed::{Bed, post};
use crate::support::faults::{Server, http};
use crate::support::journal::journal;
use crate::support::run::{Ran, ira};
pub(crate) use crate::support::run::{Running, wait_until};

/// The account of the keystore: the first of anvil's.
pub(crate) const SIGNER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
/// An account that nobody uses.
pub(crate) const DRY: &str = "0x00000000000000000000000000000000000d00d1";

/// Somebody on call: a home with a key, a configuration and a journal.
pub(crate) struct Person {
    pub(crate) home: tempfile::TempDir,
    pub(crate) url: String,
}

impl Person {
    /// With the key of [`SIGNER`], on the network `anvil`.
    pub(crate) fn at(url: &str, link: Option<&str>) -> Self {
        let person = Self { home: tempfile::tempdir().expect("a home"), url: url.to_owned() };
        person.write("keystore.json", include_str!("../support/keystore.json"));
        person.write("password", "correct horse\n");
        person.configure(1, link);
        person
    }

    pub(crate) fn configure(&self, confirmations: u64, link: Option<&str>) {
        let link = link.map(|link| format!("link = \"{link}\"\n")).unwrap_or_default();
        let keys = self.home.path().display();
        self.write(
            ".config/ira/config.toml",
            &format!(
                "[networks.anvil]\nchain_id = 31337\nblock_time_seconds = 0.5\nrequests_per_second = 10000\nrpc = \"env:RPC\"\n{link}\
                 [networks.anvil.signer]\nkeystore = \"{keys}/keystore.json\"\npassword = \"file:{keys}/password\"\n\
                 confirmations = {confirmations}\n"
            ),
        );
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    }

    /// `ira` with these words, on the network `anvil`.
    pub(crate) fn ira(&self, words: &[&str]) -> Command {
        let mut command = ira(self.home.path());
        command.env("RPC", &self.url).args(words).args(["--network", "anvil"]);
        command
    }

    fn command(&self, words: &[&str]) -> Command {
        self.ira(&[&["act"], words].concat())
    }

    fn act(&self, words: &[&str]) -> Ran {
        Ran::of(&mut self.command(words))
    }

    /// Agreed to, with caps that are never in the way.
    fn agreed(&self, words: &[&str]) -> Ran {
        let mut all = words.to_vec();
        all.extend(["--max-spend", "1000 LINK", "--max-spend-native", "50 ETH", "--yes", "--json"]);
        self.act(&all)
    }

    /// The same, left to itself.
    fn left(&self, words: &[&str]) -> Running {
        let mut command = self.command(words);
        command.args(["--max-spend", "1000 LINK", "--max-spend-native", "50 ETH", "--yes"]);
        Running::of(&mut command)
    }

    /// What was written down: for each attempt what was begun, what was added, and how it ended if it did.
    pub(crate) fn journal(&self) -> Vec<Value> {
        journal(self.home.path())
    }

    /// Waits until this many records are in the journal.
    pub(crate) fn wait_for_records(&self, count: usize) {
        wait_until("the journal holds it", || self.journal().len() >= count);
    }
}

/// What a proxy does with a request.
pub(crate) enum Pass {
    /// Hands it on.
    On,
    /// Hands it on, and never answers.
    OnOnly,
    /// Neither hands it on nor answers.
    Swallow,
    /// Breaks the connection.
    Break,
}

/// A proxy that does with each transaction that is sent what `pass` says, and how many there were.
pub(crate) fn at_sending(bed: &Bed, pass: fn() -> Pass) -> (String, Arc<Count>) {
    let given = Arc::new(Count::default());
    let seen = Arc::clone(&given);
    let url = proxy(bed, move |body| {
        if body.contains("eth_sendRawTransaction") {
            seen.next();
            return pass();
        }
        Pass::On
    });
    (url, given)
}

/// A proxy to a chain that asks `judge` about each request's body.
pub(crate) fn proxy(bed: &Bed, judge: impl Fn(&str) -> Pass + Send + Sync + 'static) -> String {
    let port = bed.port;
    let hang = || loop {
        std::thread::sleep(Duration::from_secs(1));
    };
    let server = Server::start(move |body| match judge(body) {
        Pass::On => Some(http(200, "application/json", post(port, body).as_bytes())),
        Pass::OnOnly => {
            post(port, body);
            hang()
        }
        Pass::Swallow => hang(),
        Pass::Break => None,
    });
    format!("http://127.0.0.1:{}", server.port)
}

pub(crate) fn number(value: &Value) -> u128 {
    u128::from_str_radix(value.as_str().expect("hex").trim_start_matches("0x"), 16).expect("hex")
}

pub(crate) fn balance(bed: &Bed, account: &str) -> u128 {
    number(&bed.rpc("eth_getBalance", &json!([account, "latest"])))
}

pub(crate) fn nonce(bed: &Bed) -> u128 {
    number(&bed.rpc("eth_getTransactionCount", &json!([SIGNER, "latest"])))
}

/// A chain with nothing on it but accounts.
fn fresh() -> Bed {
    Bed::fresh(&["--chain-id", "31337"])
}

const FUND: &[&str] = &["chain.fund_key", "--key", DRY, "--amount", "1.5 ETH"];
/// 1.5 coins.
const AMOUNT: u128 = 1_500_000_000_000_000_000;

/// Counts calls.
#[derive(Default)]
pub(crate) struct Count(pub(crate) Mutex<u32>);

impl Count {
    pub(crate) fn next(&self) -> u32 {
        let mut count = self.0.lock().expect("not poisoned");
        *count += 1;
        *count
    }
}
