//! Which key signs transactions on a network, and how far it may go.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ira_commands::{Fault, Kind};
use secrecy::SecretString;

use super::env::{CREDENTIALS_DIRECTORY, Env};
use super::reader::{Item, Reader};
use super::secret::{SecretRef, is_credential};
use super::{Config, NetworkConfig, keys};

/// The key of a network. Holds references, and shows no secret.
#[derive(Clone, Debug)]
pub struct SignerConfig {
    /// The encrypted keystore.
    pub keystore: KeystoreRef,
    /// Its password.
    pub password: SecretRef,
    /// The most that may be offered for a unit of gas, gwei.
    pub max_fee_gwei: u64,
    /// How many blocks must hold a transaction, its own included, before it counts.
    pub confirmations: u64,
}

/// Where a keystore is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeystoreRef {
    /// A file.
    File(PathBuf),
    /// `credential:NAME`: a file in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

impl KeystoreRef {
    fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        match text.trim().strip_prefix("credential:") {
            Some(name) if is_credential(name) => Ok(Self::Credential(name.to_owned())),
            Some(_) => {
                Err(format!("`credential:` takes the name of a file in ${CREDENTIALS_DIRECTORY}, without a path"))
            }
            // A key in clear text, as some tools take it: refused, and not repeated.
            None if looks_like_key(text.trim()) => Err("takes the path of an encrypted keystore, not a key".to_owned()),
            None if text.trim().is_empty() => Err("takes the path of an encrypted keystore".to_owned()),
            None => Ok(Self::File(folder.join(text.trim()))),
        }
    }

    /// The file, and whether its mode says who can read it: systemd keeps the folder of credentials private instead.
    pub fn path(&self, env: &dyn Env) -> Result<(PathBuf, bool), Fault> {
        match self {
            Self::File(path) => Ok((path.clone(), true)),
            Self::Credential(name) => match env.get(CREDENTIALS_DIRECTORY)? {
                Some(folder) => Ok((Path::new(&folder).join(name), false)),
                None => Err(Fault::new(
                    Kind::Config,
                    format!("{self} is looked up in ${CREDENTIALS_DIRECTORY}, which is not set"),
                )
                .hint(format!("systemd sets it for a unit with LoadCredential={name}:PATH; by hand name a path"))),
            },
        }
    }
}

fn looks_like_key(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

impl fmt::Display for KeystoreRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Credential(name) => write!(f, "credential:{name}"),
        }
    }
}

impl SignerConfig {
    /// Fetches the password.
    pub fn password(&self, env: &dyn Env) -> Result<SecretString, Fault> {
        self.password
            .resolve(env)
            .map_err(|fault| Fault { kind: Kind::Config, ..fault }.wrap("the keystore's password cannot be had"))
    }
}

impl Config {
    /// The key that signs on a network; `None` where none is configured. Refused where a project file changes what is
    /// known of the network: a stranger's checkout must not choose what is signed.
    pub fn signer<'a>(&self, network: &'a NetworkConfig) -> Result<Option<&'a SignerConfig>, Fault> {
        match (&network.signer, self.project_changes.get(&network.name)) {
            (Some(_), Some(changes)) => {
                Err(Fault::new(Kind::Config, format!("nothing is signed for {} here", network.name))
                    .because(format!("the project file changes what is known of it: {}", changes.join(", ")))
                    .hint("run it in another folder, or set these in the user's configuration"))
            }
            (signer, _) => Ok(signer.as_ref()),
        }
    }

    /// The environment that secrets are looked up in.
    pub fn env(&self) -> &dyn Env {
        self.env.as_ref()
    }
}

/// Reads `signer = { keystore = …, password = … }`.
pub(super) fn read(reader: &mut Reader<'_>, key: &str, item: &Item<'_>, folder: &Path) -> Option<SignerConfig> {
    let table = reader.table(key, item)?;
    let (mut keystore, mut password) = (None, None);
    let (mut max_fee_gwei, mut confirmations) = (500, 2);
    let before = reader.problems.len();
    for (name, item) in table {
        let full = format!("{key}.{}", name.get_ref());
        match name.get_ref().as_ref() {
            "keystore" => keystore = reader.parsed(&full, item, |text| KeystoreRef::parse(text, folder)),
            "password" => password = reader.parsed(&full, item, |text| SecretRef::parse_only(text, folder)),
            "max_fee_gwei" => max_fee_gwei = reader.integer(&full, item, &(1..=1_000_000)).unwrap_or(max_fee_gwei),
            "confirmations" => confirmations = reader.integer(&full, item, &(1..=1_000)).unwrap_or(confirmations),
            _ => reader.unknown(name, key, keys::SIGNER),
        }
    }
    if reader.problems.len() > before {
        return None;
    }
    let span: Range<usize> = item.span();
    match (keystore, password) {
        (Some(keystore), Some(password)) => Some(SignerConfig { keystore, password, max_fee_gwei, confirmations }),
        (keystore, _) => {
            let missing = if keystore.is_none() { "keystore" } else { "password" };
            let hint = "signer = { keystore = \"PATH\", password = \"credential:NAME\" }".to_owned();
            reader.problem(&span, format!("`{key}` has no `{missing}`"), Some(hint));
            None
        }
    }
}
