//! The TLS provider: reqwest is built without one, so that the choice is made here.

/// Makes ring the process's TLS provider, once; where one is set already, that one stays.
pub fn ensure_provider() {
    let _set_before = rustls::crypto::ring::default_provider().install_default();
}
