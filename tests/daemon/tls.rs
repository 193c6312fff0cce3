//! TLS of the listeners: who is let in, by what, and what is said to the others.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};

use super::*;

/// An authority of the test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("sound");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed"))
    }

    /// A certificate of these names, and its key: PEM.
    fn sign(&self, names: &[&str], whom: ExtendedKeyUsagePurpose) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("sound");
        params.extended_key_usages.push(whom);
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.0).expect("signed").pem(), key.serialize_pem())
    }
}

/// A host with an authority; its daemon speaks TLS as `more` says.
struct Served {
    host: Host,
    authority: Authority,
}

const TLS: &str = "[daemon.tls]\ncertificate = \"file:@/tls.pem\"\nkey = \"file:@/tls.key\"\n";
const MUTUAL: &str = "client_ca = \"file:@/ca.pem\"\n[sources.signed]\nkind = \"alertmanager\"\n\
                      certificate = \"am-1.example\"\n";

impl Served {
    fn new(more: &str) -> Self {
        let served = Self { host: Host::new(), authority: Authority::new("an authority of the test") };
        served.host.write("ca.pem", &served.authority.0.pem(), 0o644);
        served.show("tls");
        served.configure(more);
        served
    }

    fn configure(&self, more: &str) {
        self.host.configure(&more.replace("@/", &format!("{}/", self.host.home.path().display())));
    }

    /// A new certificate of the server.
    fn show(&self, name: &str) {
        let (certificate, key) = self.authority.sign(&["127.0.0.1", "localhost"], ExtendedKeyUsagePurpose::ServerAuth);
        self.host.write(&format!("{name}.pem"), &certificate, 0o644);
        self.host.write(&format!("{name}.key"), &key, 0o600);
    }

    fn client(&self) -> reqwest::ClientBuilder {
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem(self.authority.0.pem().as_bytes()).expect("PEM");
        reqwest::Client::builder().tls_certs_only([ca]).no_proxy().pool_max_idle_per_host(0)
    }

    /// The status of an alert that is sent with this client, or that there was none.
    fn post(client: reqwest::ClientBuilder, port: u16, source: &str, token: Option<&str>, unit: &str) -> Option<u16> {
        let mut request = client
            .build()
            .expect("a client")
            .post(format!("https://127.0.0.1:{port}/{source}"))
            .body(message(&[unit], "firing", 1).to_string());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        block(async { request.send().await.ok().map(|answer| answer.status().as_u16()) })
    }

    fn identity(&self, authority: &Authority, name: &str) -> reqwest::ClientBuilder {
        let (certificate, key) = authority.sign(&[name], ExtendedKeyUsagePurpose::ClientAuth);
        let identity = reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).expect("PEM");
        self.client().identity(identity)
    }
}

#[test]
fn alerts_come_over_tls_and_plain_http_is_told_so() {
    let served = Served::new(TLS);
    let daemon = served.host.start_with(&["--admin", "127.0.0.1:0"]);
    let sent = Served::post(served.client(), daemon.port, "alertmanager", Some(TOKEN), "web");
    assert_eq!(sent, Some(200), "{}", served.host.log());
    assert_eq!(Served::post(served.client(), daemon.port, "alertmanager", Some("no"), "web"), Some(401));
    // Who does not know the authority sends nothing.
    let stranger = reqwest::Client::builder().tls_certs_only([]).no_proxy();
    assert_eq!(Served::post(stranger, daemon.port, "alertmanager", Some(TOKEN), "db"), None);
    let (code, said) = post(daemon.port, "/alertmanager", Some(TOKEN), b"{}");
    assert!(code == 503 && said.contains("https://"), "a sender tries again after 503: {said}");
    wait_until("the run ends", || host_done(&served.host));
    assert_eq!(served.host.inbox().len(), 1);
    let metrics = daemon.get("/metrics").1;
    assert!(metrics.contains("ira_handshakes_failed_total{how=\"plain\"} 1"), "{metrics}");
    assert_eq!(daemon.end(), Some(0));
}

fn host_done(host: &Host) -> bool {
    host.runs().first().is_some_and(|run| run.state.terminal())
}

#[test]
fn a_sender_is_proved_by_its_certificate_and_another_is_not() {
    let served = Served::new(&format!("{TLS}{MUTUAL}"));
    let daemon = served.host.start();
    let known = || served.identity(&served.authority, "am-1.example");
    assert_eq!(Served::post(known(), daemon.port, "signed", None, "web"), Some(200), "{}", served.host.log());
    let other = served.identity(&served.authority, "am-2.example");
    assert_eq!(Served::post(other, daemon.port, "signed", None, "web"), Some(401), "signed, and another name");
    assert_eq!(Served::post(served.client(), daemon.port, "signed", None, "web"), Some(401), "without a certificate");
    let strange = served.identity(&Authority::new("another authority"), "am-1.example");
    assert_eq!(
        Served::post(strange, daemon.port, "signed", None, "web"),
        None,
        "the right name by the wrong authority"
    );
    // Those who prove themselves otherwise need none.
    assert_eq!(Served::post(served.client(), daemon.port, "alertmanager", Some(TOKEN), "web"), Some(200));
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn openssl_speaks_to_it_from_tls_1_2_on() {
    let served = Served::new(TLS);
    let daemon = served.host.start();
    let shake = |version: &str| {
        let mut command = Command::new("openssl");
        let at = format!("127.0.0.1:{}", daemon.port);
        let ca = served.host.path("ca.pem").display().to_string();
        command.args(["s_client", "-connect", &at, "-CAfile", &ca, "-verify_return_error", "-brief", version]);
        command.stdin(Stdio::null()).output().expect("openssl").status.success()
    };
    assert!(shake("-tls1_2") && shake("-tls1_3"), "{}", served.host.log());
    assert!(!shake("-tls1_1"));
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn a_handshake_that_never_ends_holds_up_nobody_and_counts_as_a_connection() {
    let served = Served::new(&format!("[daemon]\nconnections = 3\n{TLS}"));
    let daemon = served.host.start_with(&["--admin", "127.0.0.1:0"]);
    let hold = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(("127.0.0.1", daemon.port)).expect("taken");
        stream.write_all(bytes).expect("sent");
        stream
    };
    // One says nothing, one begins a handshake and goes no further.
    let slow = [hold(b""), hold(&[0x16, 3, 1])];
    assert_eq!(Served::post(served.client(), daemon.port, "alertmanager", Some(TOKEN), "web"), Some(200));
    let third = hold(b"");
    wait_until("there is no room for a fourth", || {
        Served::post(served.client(), daemon.port, "alertmanager", Some(TOKEN), "web") != Some(200)
    });
    drop(third);
    wait_until("they are sent away", || {
        daemon.get("/metrics").1.contains("ira_handshakes_failed_total{how=\"slow\"} 2")
            && Served::post(served.client(), daemon.port, "alertmanager", Some(TOKEN), "web") == Some(200)
    });
    drop(slow);
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn a_reload_shows_the_new_certificate_and_a_broken_one_keeps_the_old() {
    let served = Served::new(TLS);
    let daemon = served.host.start_with(&["--admin", "127.0.0.1:0"]);
    let works = || Served::post(served.client(), daemon.port, "alertmanager", Some(TOKEN), "web") == Some(200);
    assert!(works());
    let (_, key) = served.authority.sign(&["127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth);
    served.host.write("tls.key", &key, 0o600);
    daemon.signal("HUP");
    wait_until("it says so", || daemon.get("/readyz").1.contains("does not fit its certificate"));
    assert!(works(), "the old pair is shown");
    // Another authority: whoever trusts the old one alone is refused from now on.
    let other = Served { host: Host::new(), authority: Authority::new("a new authority") };
    let (certificate, key) = other.authority.sign(&["127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth);
    served.host.write("tls.pem", &certificate, 0o644);
    served.host.write("tls.key", &key, 0o600);
    daemon.signal("HUP");
    wait_until("it is shown", || {
        Served::post(other.client(), daemon.port, "alertmanager", Some(TOKEN), "web") == Some(200)
    });
    assert!(!works());
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn what_does_not_fit_is_said_before_anything_is_bound() {
    let served = Served::new(TLS);
    let refused = |what: &str| {
        let ran = served.host.ira(&["daemon", "--check"]);
        assert!(ran.code == 78 && ran.err.contains(what), "{what}: {ran:?}");
    };
    assert_eq!(served.host.ira(&["daemon", "--check"]).code, 0);
    let doctor = served.host.ira(&["doctor", "--json"]);
    assert!(doctor.out.contains("the key fits; the certificate lasts"), "{doctor:?}");
    let key = std::fs::read_to_string(served.host.path("tls.key")).expect("there");
    served.host.write("tls.key", &KeyPair::generate().expect("a key").serialize_pem(), 0o600);
    refused("the key of `daemon.tls` does not fit its certificate");
    refused("openssl pkey -in KEY -pubout");
    served.host.write(
        "tls.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        0o600,
    );
    refused("it holds no private key");
    served.host.write("tls.key", &key, 0o644);
    refused("everybody on this machine may read or change it");
    served.host.write("tls.key", &key, 0o600);
    served.host.write("tls.pem", "no certificate", 0o644);
    refused("it holds no certificate in PEM");
    served.show("tls");
    served.configure("[sources.signed]\nkind = \"alertmanager\"\ncertificate = \"am-1.example\"\n");
    refused("nobody is asked for one");
    served.configure("[daemon]\nadmin = \"0.0.0.0:9098\"\n");
    refused("[daemon.admin_tls]");
    served.configure("[daemon.tls]\ncertificate = \"file:@/tls.pem\"\n");
    refused("`daemon.tls` needs `certificate` and `key`");
    served.configure("[daemon.tls]\nkey = \"-----BEGIN CANARY\"\ncertificate = \"file:@/tls.pem\"\n");
    refused("of a PEM file");
    assert!(!served.host.ira(&["daemon", "--check"]).err.contains("CANARY"));
}

#[test]
fn the_admin_listener_speaks_tls_too_and_may_ask_for_certificates() {
    let admin = TLS.replace("[daemon.tls]", "[daemon.admin_tls]");
    let served = Served::new(&format!("{admin}client_ca = \"file:@/ca.pem\"\n"));
    let daemon = served.host.start_with(&["--admin", "0.0.0.0:0"]);
    let get = |client: reqwest::ClientBuilder, path: &str| {
        let request = client.build().expect("a client").get(format!("https://127.0.0.1:{}{path}", daemon.admin));
        block(async { request.send().await.ok().map(|answer| answer.status().as_u16()) })
    };
    assert_eq!(get(served.identity(&served.authority, "prometheus"), "/healthz"), Some(200), "{}", served.host.log());
    assert_eq!(get(served.client(), "/healthz"), None, "nobody comes in without a certificate");
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200, "alerts come as before");
    assert_eq!(daemon.end(), Some(0));
}
