//! What an answer of AWS, or the want of one, says of what was asked and of its effect.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ira_commands::actions::{Broken, Left};
use ira_commands::{Fault, Kind};
use rand::Rng as _;

use super::Connection;

/// How often a write that was refused for its haste is sent again.
const TRIES: u32 = 4;

/// Why something was not answered as it was to be.
pub(super) enum Refusal {
    /// Nothing was sent.
    Before(Fault),
    /// AWS refused it, and did nothing: its own word for why, and what it means.
    Refused(String, Fault),
    /// Whether it was done is not known.
    Unheard(Fault),
}

impl Refusal {
    /// As a reading command says it.
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Before(fault) | Self::Refused(_, fault) | Self::Unheard(fault) => fault,
        }
    }

    /// As a writing one says it.
    pub(super) fn broken(self) -> Broken {
        match self {
            Self::Before(fault) | Self::Refused(_, fault) => Broken::before(fault),
            Self::Unheard(fault) => Broken { fault, left: Left::Unknown },
        }
    }
}

/// What a code of AWS means: kind, words, hint.
fn meaning(code: &str, status: u16, message: &str) -> (Kind, &'static str, &'static str) {
    const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];
    const UNKNOWN: &[&str] = &[
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "AuthFailure",
    ];
    const DENIED: &[&str] =
        &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "Forbidden"];
    const HASTE: &[&str] = &[
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "SlowDown",
        "PriorRequestNotComplete",
    ];
    let of = |codes: &[&str]| codes.contains(&code);
    if of(EXPIRED) {
        (Kind::Denied, "says that the credential has run out", "renew it; a role of the machine renews itself")
    } else if of(UNKNOWN) {
        (
            Kind::Denied,
            "does not know who asks",
            "are the keys of this account, and is the clock of this machine right?",
        )
    } else if of(DENIED) || (status == 403 && code.is_empty()) {
        (Kind::Denied, "does not allow it", "`ira act NAME --policy` prints what it needs")
    } else if of(HASTE) || status == 429 {
        (Kind::RateLimited, "asks to slow down", "it was asked several times; try it later")
    } else if code.contains("NotFound")
        || code.starts_with("NoSuch")
        || matches!(code, "MISSING" | "ServiceNotActiveException")
        || message.starts_with("Unable to describe task definition")
    {
        (Kind::Missing, "has no such thing", "check the name, the account and the region")
    } else if status == 408 || status == 504 {
        (Kind::Timeout, "gave up by itself", "")
    } else if status >= 500 {
        (Kind::Unreachable, "is out of order", "")
    } else {
        (Kind::Failed, "does not take it", "nothing was done")
    }
}

/// Every error in a chain, in its own words.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |one: &&'a (dyn Error + 'static)| (*one).source())
}

impl Connection {
    /// Asks; what was not answered the SDK asks again, within its bounds. `op` is the action that IAM has to allow.
    pub(super) async fn ask<T, E, F>(&self, op: &str, sent: F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        sent.await.map_err(|error| self.refusal(op, &error).fault())
    }

    /// Sends a write; only one that was refused for its haste is sent again, a few times.
    pub(super) async fn tell<T, E, F>(&self, op: &str, mut send: impl FnMut() -> F + Send) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let mut tries = 0;
        loop {
            let refusal = match send().await {
                Ok(done) => return Ok(done),
                Err(error) => self.refusal(op, &error),
            };
            tries += 1;
            let haste = matches!(&refusal, Refusal::Refused(_, fault) if fault.kind == Kind::RateLimited);
            if !haste || tries >= TRIES {
                return Err(refusal);
            }
            let jitter = rand::rng().random_range(0..200);
            tokio::time::sleep(Duration::from_millis((250 << tries) + jitter)).await;
        }
    }

    fn refusal<E>(&self, op: &str, error: &SdkError<E, HttpResponse>) -> Refusal
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let place = &self.place;
        let with = |kind: Kind, what: &str| Fault::new(kind, format!("AWS ({place}) {what}"));
        if let SdkError::ServiceError(said) = error {
            let status = said.raw().status().as_u16();
            let code = said.err().code().unwrap_or_default();
            let message = said.err().message().unwrap_or_default();
            let (kind, what, hint) = meaning(code, status, message);
            let mut words = self.said(message);
            if words.is_empty() {
                words = format!("HTTP status {status}");
            }
            let fault = match kind {
                Kind::Denied if what.ends_with("allow it") => with(kind, &format!("does not allow {op}")),
                _ => with(kind, &format!("{what}: {op}")),
            };
            let fault = fault.because(format!("{}: {words}", self.said(code)));
            let fault = if hint.is_empty() { fault } else { fault.hint(hint) };
            // 5xx: it began something, and does not say how far it came.
            return if status >= 500 && kind != Kind::RateLimited {
                Refusal::Unheard(fault.clone())
            } else {
                Refusal::Refused(code.to_owned(), fault)
            };
        }
        let mut causes: Vec<String> = Vec::new();
        let (mut credential, mut connect) = (false, false);
        for one in chain(error) {
            let text = self.said(&one.to_string());
            if !causes.contains(&text) {
                causes.push(text);
            }
            credential |= one.is::<CredentialsError>();
            connect |= one
                .downcast_ref::<hyper_util::client::legacy::Error>()
                .is_some_and(hyper_util::client::legacy::Error::is_connect);
        }
        causes.truncate(5);
        let before = credential || connect || matches!(error, SdkError::ConstructionFailure(_));
        let mut fault = match error {
            _ if credential => with(Kind::Denied, "cannot be asked: no credential is to be had")
                .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile (`ira help config`)"),
            SdkError::ConstructionFailure(_) => with(Kind::Usage, &format!("cannot be asked for {op}")),
            SdkError::TimeoutError(_) => with(Kind::Timeout, &format!("does not answer in time: {op}")),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                with(Kind::Timeout, &format!("does not answer in time: {op}"))
            }
            SdkError::DispatchFailure(_) => with(Kind::Unreachable, &format!("cannot be reached: {op}")),
            SdkError::ResponseError(answer) => {
                let status = answer.raw().status().as_u16();
                with(Kind::BadAnswer, &format!("answers {status} with what cannot be read: {op}"))
            }
            _ => with(Kind::Failed, &format!("did not answer: {op}")),
        };
        fault.causes = causes;
        if before { Refusal::Before(fault) } else { Refusal::Unheard(fault) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_of_refusal_has_its_kind() {
        let kind = |code, status, message| meaning(code, status, message).0;
        for code in ["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"] {
            assert_eq!(kind(code, 400, ""), Kind::Denied, "{code}");
        }
        for code in ["ThrottlingException", "ProvisionedThroughputExceededException", "TooManyRequestsException"] {
            assert_eq!(kind(code, 400, ""), Kind::RateLimited, "{code}");
        }
        for code in ["ServiceNotFoundException", "ClusterNotFoundException", "ResourceNotFoundException", "NoSuchKey"] {
            assert_eq!(kind(code, 400, ""), Kind::Missing, "{code}");
        }
        assert_eq!(kind("ClientException", 400, "Unable to describe task definition."), Kind::Missing);
        assert_eq!(kind("ClientException", 400, "Family should not be null."), Kind::Failed);
        assert_eq!(kind("ServerException", 500, ""), Kind::Unreachable);
    }
}
