//! What went wrong, said once: what, why, and what to do about it.

use std::fmt;

/// The kinds of fault. One table ([`Kind::exit_code`], [`Kind::retryable`]) says what each means outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The command line or the arguments are wrong.
    Usage,
    /// A configuration file, or a value in it, is wrong.
    Config,
    /// A contract call reverted: the chain answered, and the answer is no.
    Reverted,
    /// What was asked about does not exist there (no code at the address, no such function, no such block).
    Missing,
    /// The endpoint is another chain than the one asked for.
    WrongNetwork,
    /// The endpoint cannot be reached, or broke off.
    Unreachable,
    /// No answer within the time given.
    Timeout,
    /// The endpoint refused the credential (401, 403).
    Denied,
    /// The endpoint asks to slow down (429).
    RateLimited,
    /// The endpoint will not serve so much at once; less may work.
    TooLarge,
    /// An answer came that is no answer: HTML, half a body, a wrong id, an undecodable value.
    BadAnswer,
    /// Two endpoints answer the same question differently.
    Disagree,
    /// The pinned block is no longer part of the chain.
    Reorged,
    /// Nothing was done: it has to be confirmed first.
    Confirmation,
    /// A lock is held, or something begun earlier is not settled yet: later it may pass.
    Busy,
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Anything else that failed.
    Failed,
}

impl Kind {
    /// The process exit code of this kind when it ends a command.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Confirmation => 3,
            Self::Busy => 75,
            Self::Config => 78,
            Self::Interrupted => 130,
            Self::Reverted
            | Self::Missing
            | Self::WrongNetwork
            | Self::Unreachable
            | Self::Timeout
            | Self::Denied
            | Self::RateLimited
            | Self::TooLarge
            | Self::BadAnswer
            | Self::Disagree
            | Self::Reorged => 69,
        }
    }

    /// Whether the same question may be answered when asked again a little later, or elsewhere.
    pub fn retryable(self) -> bool {
        matches!(self, Self::Unreachable | Self::Timeout | Self::RateLimited | Self::Reorged)
    }
}

/// A failure: what, its causes (nearest first), and a hint at the mend. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which row of the table it is.
    pub kind: Kind,
    /// What failed, in one line.
    pub message: String,
    /// Why, nearest cause first.
    pub causes: Vec<String>,
    /// What the reader can do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault without causes or hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// Adds a cause behind those already there.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Sets what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Makes this fault the cause of a wider one, keeping its kind and hint.
    #[must_use]
    pub fn wrap(self, message: impl Into<String>) -> Self {
        let mut causes = vec![self.message];
        causes.extend(self.causes);
        Self { kind: self.kind, message: message.into(), causes, hint: self.hint }
    }

    /// Whether this is the chain's own word that nothing such is there, and not a question that went unanswered: the
    /// first may mean that something does not apply, the second is unknown.
    pub fn is_absence(&self) -> bool {
        matches!(self.kind, Kind::Missing | Kind::Reverted)
    }

    /// Message and causes in one line, for a finding's evidence.
    pub fn one_line(&self) -> String {
        let mut line = self.message.clone();
        for cause in &self.causes {
            line.push_str(": ");
            line.push_str(cause);
        }
        line
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.one_line())
    }
}

impl std::error::Error for Fault {}
