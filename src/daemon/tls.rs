//! TLS of the listeners: their certificate and key, and whose certificates prove a sender.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use secrecy::ExposeSecret as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::config::daemon::TlsConfig;
use crate::config::env::Env;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// With this a TLS connection begins: the record of a handshake.
const RECORD: u8 = 0x16;
/// What is said to who speaks plain HTTP: a sender tries again after 503, and logs the words.
const PLAIN: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 35\r\nconnection: close\r\n\r\n\
                       this port speaks TLS: use https://\n";

/// What is known of who is at the other end of TLS.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    /// The names (subject and DNS) of the certificate that the peer has proved to own; none where it showed none.
    pub names: Vec<String>,
}

/// Why there is no connection.
pub(super) enum Unmet {
    /// It speaks plain HTTP.
    Plain,
    /// The handshake failed; the words are the library's.
    Failed(String),
    /// It took too long.
    Slow,
}

/// Whose certificates are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clients {
    /// Who has one shows it, and is known by it; others prove themselves otherwise.
    May,
    /// Who has none is sent away.
    Must,
}

/// Shakes hands, within a deadline.
pub(super) async fn meet(
    config: Arc<ServerConfig>,
    mut stream: TcpStream,
) -> Result<(TlsStream<TcpStream>, Peer), Unmet> {
    let shaken = async {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1) if first[0] == RECORD => {}
            Ok(1) if first[0].is_ascii_uppercase() => {
                let _said = stream.write_all(PLAIN).await;
                return Err(Unmet::Plain);
            }
            Ok(0) => return Err(Unmet::Failed("it broke off".to_owned())),
            Ok(_) => return Err(Unmet::Failed("it speaks neither TLS nor HTTP".to_owned())),
            Err(error) => return Err(Unmet::Failed(error.to_string())),
        }
        let met = TlsAcceptor::from(config).accept(stream).await;
        met.map_err(|error| Unmet::Failed(excerpt(&error.to_string(), 200)))
    };
    let stream = tokio::time::timeout(HANDSHAKE, shaken).await.unwrap_or(Err(Unmet::Slow))?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let names = certificate.map(|one| names(one)).unwrap_or_default();
    Ok((stream, Peer { names }))
}

/// The names of a certificate: the common names of its subject, and its DNS names.
fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok()).map(str::to_owned);
    let mut names: Vec<String> = common.collect();
    if let Ok(Some(others)) = certificate.subject_alternative_name() {
        names.extend(others.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        }));
    }
    names
}

/// What a listener speaks, by the configuration. `table` is where it stands. The fault says which file is wrong, and
/// why.
pub(super) fn server(
    table: &'static str,
    config: &TlsConfig,
    clients: Clients,
    env: &dyn Env,
) -> Result<Arc<ServerConfig>, Fault> {
    let wrong = |name: &str, reference: &dyn std::fmt::Display, why: String| {
        Fault::new(Kind::Config, format!("`{table}.{name}` ({reference}) cannot be used")).because(why)
    };
    let chain = certificates(config.certificate.resolve_text(env, false)?.expose_secret())
        .map_err(|why| wrong("certificate", &config.certificate, why))?;
    let key = config.key.resolve_text(env, true)?;
    let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes()).map_err(|_| {
        // The library's words could quote the file.
        wrong("key", &config.key, "it holds no private key in PEM that is not encrypted".to_owned())
            .hint("openssl pkey -in KEY -out KEY.pem takes a passphrase off; chmod 600 it")
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::new(Kind::Failed, "TLS cannot be set up").because(error.to_string()))?;
    let builder = match &config.client_ca {
        None => builder.with_no_client_auth(),
        Some(reference) => {
            let mut roots = RootCertStore::empty();
            let unusable = |why: String| wrong("client_ca", reference, why);
            for one in certificates(reference.resolve_text(env, false)?.expose_secret()).map_err(unusable)? {
                roots.add(one).map_err(|error| unusable(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if clients == Clients::May { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| unusable(error.to_string()))?)
        }
    };
    let mut server = builder.with_single_cert(chain, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            Fault::new(Kind::Config, format!("the key of `{table}` does not fit its certificate"))
                .because(format!("{} is the key of another certificate than {}", config.key, config.certificate))
                .hint(
                    "these two print the same where they fit: openssl x509 -in CERTIFICATE -noout -pubkey; \
                     openssl pkey -in KEY -pubout",
                )
        }
        error => wrong("certificate", &config.certificate, error.to_string()),
    })?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}

/// Whether a listener could be met with this; the fault says why not.
pub(crate) fn usable(table: &'static str, config: &TlsConfig, env: &dyn Env) -> Result<(), Fault> {
    server(table, config, Clients::May, env).map(|_| ())
}

/// Seconds until the first certificate of a chain ends; negative where it has ended.
pub(crate) fn lasts(config: &TlsConfig, env: &dyn Env, now: u64) -> Result<i64, Fault> {
    let text = config.certificate.resolve_text(env, false)?;
    let wrong = |why: String| Fault::new(Kind::Config, format!("{} cannot be used", config.certificate)).because(why);
    let chain = certificates(text.expose_secret()).map_err(wrong)?;
    let first = chain.first().and_then(|one| X509Certificate::from_der(one).ok());
    let (_, first) = first.ok_or_else(|| wrong("it is no certificate".to_owned()))?;
    Ok(first.validity().not_after.timestamp().saturating_sub(i64::try_from(now).unwrap_or(i64::MAX)))
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err("it holds no certificate in PEM".to_owned()),
        Err(_) => Err("it is no PEM".to_owned()),
    }
}
