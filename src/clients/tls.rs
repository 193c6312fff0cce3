//! Whom TLS trusts where it is not HTTP that is spoken: the system's authorities, or the one that the configuration names.

use std::path::Path;
use std::sync::Arc;

use ira_commands::{Fault, Kind};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The certificates of a PEM file.
fn named(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let wrong = |why: String| {
        Fault::new(Kind::Config, format!("the authority {} cannot be read", path.display()))
            .because(why)
            .hint("`ca` names a PEM file with the certificate that signed the server's")
    };
    let all: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?.collect();
    let all = all.map_err(|error| wrong(error.to_string()))?;
    if all.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(all) }
}

/// A client's configuration that checks the server's certificate and name.
pub fn client(ca: Option<&Path>) -> Result<rustls::ClientConfig, Fault> {
    let mut roots = rustls::RootCertStore::empty();
    let wrong = |error: rustls::Error| Fault::new(Kind::Config, format!("TLS cannot be set up: {error}"));
    match ca {
        Some(path) => {
            for certificate in named(path)? {
                roots.add(certificate).map_err(wrong)?;
            }
        }
        // Some of a system's authorities may be odd; those that are sound count.
        None => {
            let _counts = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config.map_err(wrong)?.with_root_certificates(roots).with_no_client_auth())
}
