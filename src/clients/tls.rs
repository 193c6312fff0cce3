//! The TLS provider: reqwest is built without one, so that the choice is made here.

/// Makes ring the process's TLS provider, once; where one is set already, that one stays. To be called before any
/// HTTP client is built: without it reqwest panics there, even where only `http` is spoken.
pub fn ensure_provider() {
    let _set_before = rustls::crypto::ring::default_provider().install_default();
}
