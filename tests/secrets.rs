//! A key in every place where a URL can be given, against servers that fail or repeat it: it is nowhere in what is said.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;

use crate::support::bed;
use crate::support::faults::{Server, http};
use crate::support::run::{Ran, ira};

const KEY: &str = "c4n4ryK3yAbCdEf0123456789";
/// The same key, escaped.
const ESCAPED: &str = "%634n4ryK3yAbCdEf0123456789";
const FEED: &str = "0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419";

fn assert_kept(ran: &Ran, what: &str) {
    let said = format!("{}\n{}", ran.out, ran.err).to_lowercase();
    assert!(!said.contains(&KEY.to_lowercase()) && !said.contains(&ESCAPED.to_lowercase()), "{what}: {ran:?}");
    assert!(!said.contains("panicked"), "{what}: {ran:?}");
}

/// A server that repeats the key in every form that it knows, under one status.
fn echo(status: u16, kind: &'static str) -> u16 {
    Server::start(move |_| {
        let body = format!("<p>{KEY} {} {} {ESCAPED}</p>", KEY.to_uppercase(), KEY.to_lowercase());
        Some(http(status, kind, body.as_bytes()))
    })
    .port
}

#[test]
fn wherever_a_url_is_given_and_however_it_fails_the_key_is_nowhere() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback").port();
    let everywhere = |host: &str| format!("u:{KEY}@{host}/v2/{KEY}/{ESCAPED}?key={KEY}&{ESCAPED}#{KEY}");
    let urls = [
        format!("http://u:{KEY}@127.0.0.1:{closed}/"),
        format!("https://127.0.0.1:{closed}/v2/{KEY}"),
        format!("http://127.0.0.1:{closed}/?{KEY}"),
        format!("http://{}", everywhere(&format!("127.0.0.1:{}", echo(401, "text/plain")))),
        format!("http://{}", everywhere(&format!("127.0.0.1:{}", echo(200, "text/html")))),
        format!("https://{}", everywhere(&format!("127.0.0.1:{}", echo(200, "text/html")))),
        // Names that no resolver knows (RFC 6761).
        format!("https://rpc.invalid/{ESCAPED}?x={ESCAPED}"),
        format!("https://{KEY}.rpc.invalid/"),
    ];
    std::thread::scope(|scope| {
        for url in &urls {
            scope.spawn(move || asked_everywhere(url));
        }
        scope.spawn(|| misplaced(&urls[6]));
        scope.spawn(|| misplaced(&urls[7]));
    });
}

fn asked_everywhere(url: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let at = |name: &str| home.path().join(name);
    private(&at("key"), url);
    private(
        &at("literal.toml"),
        &format!("[networks.ethereum-mainnet]\nrpc = \"{url}\"\ndirectory = \"{}\"\n", url.replace("http:", "https:")),
    );
    let report = ["feed-report", FEED, "--network", "ethereum-mainnet", "--timeout", "1"];
    let with = |name: &str, more: &[&str]| {
        let mut command = ira(home.path());
        command.env("IRA_LOG", "trace").env("RPC", url).env("CREDENTIALS_DIRECTORY", home.path());
        command.args(report).args(more);
        let ran = Ran::of(&mut command);
        assert_kept(&ran, &format!("{name} {url}"));
        assert!(matches!(ran.code, 2 | 69), "{name} {url}: {ran:?}");
    };
    with("flag", &["--rpc-url", url, "--json"]);
    with("env:", &["--rpc-url", "env:RPC", "--format", "markdown"]);
    with("file:", &["--rpc-url", "file:key", "--record", "recording.json"]);
    with("credential:", &["--rpc-url", "credential:key"]);
    with("config literal", &["--config", "literal.toml"]);
    with("a file that is a URL", &["--rpc-url", &format!("file:{url}")]);
    let kept = std::fs::read_to_string(at("recording.json")).expect("recorded").to_lowercase();
    assert!(!kept.contains(&KEY.to_lowercase()) && !kept.contains("127.0.0.1"), "{kept}");
}

/// In variables and arguments that take something else.
fn misplaced(url: &str) {
    let home = tempfile::tempdir().expect("a folder");
    private(
        &home.path().join("literal.toml"),
        &format!("[networks.ethereum-mainnet]\nrpc = \"{url}\"\ndirectory = \"{url}\"\n"),
    );
    for (name, more) in [
        ("IRA_RPC_URL", &["config", "show"] as &[&str]),
        ("IRA_NETWORK", &["config", "show", "--json"]),
        ("IRA_DIRECTORY", &["config", "show"]),
        ("IRA_CONFIG", &["config", "check"]),
        ("IRA_RPC_URL", &["feed-report", FEED, "--timeout", "1"]),
        ("IRA_LOG", &["config", "show"]),
        ("HTTPS_PROXY", &["feed-report", FEED, "--rpc-url", "https://rpc.invalid", "--timeout", "1"]),
    ] {
        let ran = Ran::of(ira(home.path()).env("IRA_LOG", "trace").env(name, url).args(more));
        assert_kept(&ran, &format!("{name} {url}"));
    }
    for wrong in [
        &["feed-report", url] as &[&str],
        &["feed-report", FEED, "--network", url],
        &["feed-report", FEED, "--replay", url],
        &["feed-report", FEED, "--alert", url],
        &["feed-report", FEED, "--rpc-url", "http://127.0.0.1:1", "--record", url],
        &["feed-report", FEED, "--rpc-url", "http://127.0.0.1:1", "--reference", url],
        &["--config", url, "config", "show"],
        &["--config", "literal.toml", "config", "show", "--json"],
        &["--config", "literal.toml", "config", "check"],
    ] {
        assert_kept(&Ran::of(ira(home.path()).args(wrong)), &format!("{wrong:?}"));
    }
}

fn private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("private");
}

#[test]
fn a_directory_with_a_key_in_its_url_is_named_without_it_on_its_way_into_a_report() {
    let bed = bed::shared();
    let listed = std::fs::read(bed::Chain::Situations.directory()).expect("the bed's directory");
    let works = Server::start(move |_| Some(http(200, "application/json", &listed))).port;
    for port in [works, echo(403, "text/plain"), echo(200, "application/json")] {
        let home = tempfile::tempdir().expect("a folder");
        let url = format!("http://u:{KEY}@127.0.0.1:{port}/{KEY}/feeds.json?key={KEY}");
        for more in [&["--json"] as &[&str], &[], &["--format", "markdown"]] {
            let mut command = ira(home.path());
            command.env("IRA_LOG", "trace").args([
                "feed-report",
                &bed.of("ocr2-healthy", "proxy"),
                "--rpc-url",
                &bed.url,
            ]);
            let ran = Ran::of(command.args(["--directory", &url]).args(more));
            assert_kept(&ran, &url);
            assert!(ran.out.contains("OCR2"), "the chain was read all the same: {ran:?}");
        }
    }
}

#[test]
fn a_strangers_project_file_does_not_get_a_secret_file_quoted() {
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    private(&home.path().join("token"), KEY);
    std::fs::write(home.path().join(".ira.toml"), "[networks.demo]\nchain_id = 31337\ndirectory = \"token\"\n")
        .expect("written");
    let ran = Ran::of(ira(home.path()).args([
        "feed-report",
        &bed.of("ocr2-healthy", "proxy"),
        "--network",
        "demo",
        "--rpc-url",
        &bed.url,
    ]));
    assert_kept(&ran, "directory = token");
    assert!(ran.err.contains("no JSON list of feeds"), "{ran:?}");
}

#[test]
fn ctrl_c_while_an_endpoint_is_silent_ends_with_130_and_no_key() {
    let home = tempfile::tempdir().expect("a folder");
    let reached = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mark = Arc::clone(&reached);
    let silent = Server::start(move |_| {
        mark.store(true, std::sync::atomic::Ordering::SeqCst);
        std::thread::sleep(Duration::from_secs(30));
        None
    });
    let child = ira(home.path())
        .env("IRA_LOG", "trace")
        .env("RPC", format!("http://u:{KEY}@127.0.0.1:{}/{KEY}", silent.port))
        .args(["feed-report", FEED, "--rpc-url", "env:RPC", "--record", "evidence.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ira starts");
    let begun = Instant::now();
    while !reached.load(std::sync::atomic::Ordering::SeqCst) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never asked");
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, 130, "{ran:?}");
    assert_kept(&ran, "Ctrl-C");
    let left: Vec<_> = std::fs::read_dir(home.path()).expect("read").flatten().map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "half a recording is none: {left:?}");
}

/// A proxy that speaks TLS to the bed's chain, with a certificate for `localhost` of an authority of its own; gives its
/// port and the authority's PEM text.
fn tls_door(chain: u16) -> (u16, String) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let own = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name").signed_by(&key, &authority);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![own.expect("signed").der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("a certificate");
    let config = Arc::new(config);
    let inner = Server::delaying(chain, Duration::ZERO).port;
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            std::thread::spawn(move || passed(stream, config, inner));
        }
    });
    (port, authority.pem())
}

/// Passes the requests of one connection on to `inner`, one after the other.
fn passed(stream: std::net::TcpStream, config: Arc<rustls::ServerConfig>, inner: u16) -> Option<()> {
    let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(config).ok()?, stream);
    loop {
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") {
            tls.read_exact(&mut byte).ok()?;
            request.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&request).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())?;
        let mut body = vec![0; length];
        tls.read_exact(&mut body).ok()?;
        let mut upstream = std::net::TcpStream::connect(("127.0.0.1", inner)).ok()?;
        upstream.write_all(&request).and_then(|()| upstream.write_all(&body)).ok()?;
        upstream.shutdown(std::net::Shutdown::Write).ok()?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).ok()?;
        tls.write_all(&answer).and_then(|()| tls.flush()).ok()?;
    }
}

#[test]
fn a_certificate_is_checked_and_an_authority_of_ones_own_is_named_by_ssl_cert_file() {
    let bed = bed::shared();
    let (port, authority) = tls_door(bed.port);
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("authority.pem"), authority).expect("written");
    let ask = |host: &str, trusted: bool| {
        let mut command = ira(home.path());
        command.env("IRA_LOG", "trace").env("RPC", format!("https://u:{KEY}@{host}:{port}/v2/{KEY}"));
        if trusted {
            command.env("SSL_CERT_FILE", home.path().join("authority.pem"));
        }
        let ran = Ran::of(command.args(["feed-report", &bed.of("ocr2-healthy", "proxy"), "--rpc-url", "env:RPC"]));
        assert_kept(&ran, host);
        ran
    };
    let stranger = ask("localhost", false);
    assert_eq!(stranger.code, 69, "{stranger:?}");
    assert!(stranger.err.contains("no authority that this machine trusts"), "{}", stranger.err);
    assert!(stranger.err.contains("SSL_CERT_FILE"), "{}", stranger.err);
    let another = ask("127.0.0.1", true);
    assert!(another.code == 69 && another.err.contains("of another host"), "{another:?}");
    let well = ask("localhost", true);
    assert!(well.out.contains("OCR2-HEALTHY"), "{well:?}");
}
