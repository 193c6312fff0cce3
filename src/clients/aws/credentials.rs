//! The credentials that the SDK finds, remembered only to take them out of what AWS says.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use secrecy::SecretString;

use crate::clients::redact::Redactor;

/// Every secret that was handed out.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<(Vec<SecretString>, Redactor)>>);

impl Seen {
    /// The same provider, watched.
    pub(super) fn watch(&self, inner: SharedCredentialsProvider) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Watched { inner, seen: self.clone() })
    }

    fn remember<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.0.extend(secrets.into_iter().map(SecretString::from));
        // A role's credentials are exchanged every hour: the old ones are in no answer any more.
        let old = seen.0.len().saturating_sub(8);
        seen.0.drain(..old);
        seen.1 = Redactor::new(&seen.0);
    }

    /// `text` without them.
    pub(super) fn masked(&self, text: &str) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.text(text)
    }
}

struct Watched {
    inner: SharedCredentialsProvider,
    seen: Seen,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl ProvideCredentials for Watched {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let found = self.inner.provide_credentials().await?;
            self.seen.remember([found.secret_access_key()].into_iter().chain(found.session_token()));
            Ok(found)
        })
    }
}
