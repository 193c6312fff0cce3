//! Secrets by reference: the configuration says where one is, and it is fetched at the call.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ira_commands::{Fault, Kind};
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::access;
use super::env::{CREDENTIALS_DIRECTORY, Env};
use super::url;

/// A secret file longer than this is not one.
const MOST_BYTES: u64 = 64 * 1024;

/// Where a secret is; or, for an endpoint, a URL as it stands. Never shows a secret.
#[derive(Clone)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:PATH`: a file that only its owner and group can read.
    File(PathBuf),
    /// `credential:NAME`: a file in `$CREDENTIALS_DIRECTORY`, where systemd puts credentials.
    Credential(String),
    /// An `http` or `https` URL as it stands.
    Literal(SecretString),
}

impl SecretRef {
    /// Reads a reference or URL; a relative path is taken from `folder`.
    ///
    /// The error says what is wrong without repeating the text, which may be a secret.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let text = text.trim();
        match text.split_once(':') {
            Some(("env", name)) if is_variable(name) => Ok(Self::Env(name.to_owned())),
            Some(("env", _)) => Err("`env:` takes the name of an environment variable: env:ETH_RPC_URL".to_owned()),
            Some(("file", path)) if !path.is_empty() && !path.contains("//") => Ok(Self::File(folder.join(path))),
            Some(("file", _)) => Err("`file:` takes a path: file:/etc/ira/eth-rpc-url".to_owned()),
            Some(("credential", name)) if is_credential(name) => Ok(Self::Credential(name.to_owned())),
            Some(("credential", _)) => {
                Err(format!("`credential:` takes the name of a file in ${CREDENTIALS_DIRECTORY}, without a path"))
            }
            _ => match url::parse_http(text) {
                Ok(_) => Ok(Self::Literal(SecretString::from(text))),
                Err(why) => Err(format!("expected a URL, env:NAME, file:PATH or credential:NAME; {why}")),
            },
        }
    }

    /// Reads a reference, where a secret as it stands is refused.
    pub fn parse_only(text: &str, folder: &Path) -> Result<Self, String> {
        match Self::parse(text, folder) {
            Ok(Self::Literal(_)) | Err(_) => {
                Err("takes env:NAME, file:PATH or credential:NAME, never the password itself".to_owned())
            }
            Ok(reference) => Ok(reference),
        }
    }

    /// Whether it is a URL as it stands that seems to hold a key.
    pub fn is_keyed_literal(&self) -> bool {
        match self {
            Self::Literal(text) => url::parse_http(text.expose_secret()).is_ok_and(|url| url::looks_keyed(&url)),
            _ => false,
        }
    }

    /// Fetches the secret. The fault names the reference and the mend: kind `Missing` where there is nothing,
    /// `Config` where what is there cannot be used.
    pub fn resolve(&self, env: &dyn Env) -> Result<SecretString, Fault> {
        match self {
            Self::Literal(text) => Ok(text.clone()),
            Self::Env(name) => match env.get(name)? {
                Some(value) => Ok(trimmed(value)),
                None => Err(Fault::new(Kind::Missing, format!("the environment variable {name} is not set"))
                    .hint(format!("export {name}=…, or run with it: {name}=… ira …"))),
            },
            Self::File(path) => read(path, true),
            Self::Credential(name) => match env.get(CREDENTIALS_DIRECTORY)? {
                // systemd keeps that folder private; its files' modes do not say who can reach them.
                Some(folder) => read(&Path::new(&folder).join(name), false),
                None => Err(Fault::new(
                    Kind::Missing,
                    format!("{self} is looked up in ${CREDENTIALS_DIRECTORY}, which is not set"),
                )
                .hint(format!("systemd sets it for a unit with LoadCredential={name}:PATH; by hand use file:PATH"))),
            },
        }
    }

    /// Fetches a text of several lines, as a PEM file has them. Without `private` it is no secret, and anybody may read
    /// its file.
    pub fn resolve_text(&self, env: &dyn Env, private: bool) -> Result<SecretString, Fault> {
        match self {
            Self::File(path) => text(path, private),
            Self::Credential(name) => match env.get(CREDENTIALS_DIRECTORY)? {
                Some(folder) => text(&Path::new(&folder).join(name), false),
                None => self.resolve(env),
            },
            Self::Env(_) | Self::Literal(_) => self.resolve(env),
        }
    }

    /// Fetches an endpoint's URL; what is there and is no `http(s)` URL is a fault that does not show it.
    pub fn resolve_url(&self, env: &dyn Env) -> Result<SecretString, Fault> {
        let secret = self.resolve(env)?;
        match url::parse_http(secret.expose_secret()) {
            Ok(_) => Ok(secret),
            Err(why) => Err(Fault::new(Kind::Config, format!("{self} holds no RPC endpoint"))
                .because(why)
                .hint("it must hold one URL, as the provider gives it: https://HOST/…")),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Credential(name) => write!(f, "credential:{name}"),
            Self::Literal(text) => match url::parse_http(text.expose_secret()) {
                Ok(url) => f.write_str(&url::shown_endpoint(&url)),
                Err(_) => f.write_str("…"),
            },
        }
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretRef({self})")
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn is_credential(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@'))
}

fn trimmed(mut text: String) -> SecretString {
    let secret = SecretString::from(text.trim());
    text.zeroize();
    secret
}

/// A secret of one line.
fn read(path: &Path, private: bool) -> Result<SecretString, Fault> {
    let secret = text(path, private)?;
    if secret.expose_secret().chars().any(char::is_control) {
        return Err(unusable(path, "it holds more than one line"));
    }
    Ok(secret)
}

fn unusable(path: &Path, why: &str) -> Fault {
    Fault::new(Kind::Config, format!("the secret file {} cannot be used", path.display())).because(why)
}

fn text(path: &Path, private: bool) -> Result<SecretString, Fault> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        let kind = if error.kind() == std::io::ErrorKind::NotFound { Kind::Missing } else { Kind::Config };
        Fault::new(kind, format!("cannot read the secret file {shown}"))
            .because(error.to_string())
            .hint(format!("write the secret, and nothing else, to {shown}, and chmod 600 {shown}"))
    };
    let wrong = |why: &str| unusable(path, why);
    // Asked before it is opened: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(wrong("it is not a regular file"));
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if private && access::open_to_all(&metadata) {
        return Err(wrong("everybody on this machine may read or change it").hint(format!("chmod 600 {shown}")));
    }
    if metadata.len() > MOST_BYTES {
        return Err(wrong("it is longer than 64 KiB"));
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(failed)?;
    let secret = trimmed(text);
    if secret.expose_secret().is_empty() { Err(wrong("it is empty")) } else { Ok(secret) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::env::FixedEnv;
    use super::*;

    fn reference(text: &str) -> SecretRef {
        SecretRef::parse(text, Path::new("/base")).unwrap()
    }

    fn written(folder: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn every_form_is_read_and_shown_as_it_stands() {
        for form in ["env:ETH_RPC", "file:/etc/key", "credential:eth-rpc"] {
            assert_eq!(reference(form).to_string(), form);
        }
        assert_eq!(reference("file:key").to_string(), "file:/base/key");
        assert_eq!(reference("https://h.example/v3/KEY").to_string(), "https://h.example/…");
    }

    #[test]
    fn a_wrong_form_is_refused_without_repeating_it() {
        for wrong in [
            "CANARY",
            "h.example/CANARY",
            "env:CANARY/x",
            "env:",
            "file:",
            "file://CANARY",
            "credential:../CANARY",
            "wss://CANARY",
        ] {
            let why = SecretRef::parse(wrong, Path::new("/")).unwrap_err();
            assert!(!why.contains("CANARY") && !why.is_empty(), "{wrong}: {why}");
        }
    }

    #[test]
    fn a_missing_variable_is_named_with_the_way_to_set_it() {
        let fault = reference("env:ETH_RPC").resolve(&FixedEnv::default()).unwrap_err();
        assert_eq!(fault.kind, Kind::Missing);
        assert!(fault.message.contains("ETH_RPC") && fault.hint.unwrap().contains("export ETH_RPC="));
    }

    #[test]
    fn a_secret_file_is_trimmed_and_must_be_private_regular_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let env = FixedEnv::default();
        let good = SecretRef::File(written(folder.path(), "good", "https://h/CANARY\n", 0o600));
        assert_eq!(good.resolve(&env).unwrap().expose_secret(), "https://h/CANARY");

        let open = written(folder.path(), "open", "https://h/CANARY", 0o644);
        let fault = SecretRef::File(open.clone()).resolve(&env).unwrap_err();
        assert_eq!(fault.hint.clone().unwrap(), format!("chmod 600 {}", open.display()));
        assert!(!format!("{fault:?}").contains("CANARY"));

        for (name, text) in [("empty", " \n".to_owned()), ("lines", "a\nb".to_owned()), ("long", "a".repeat(70_000))] {
            let fault = SecretRef::File(written(folder.path(), name, &text, 0o600)).resolve(&env).unwrap_err();
            assert_eq!(fault.kind, Kind::Config, "{name}");
        }
        assert_eq!(SecretRef::File(folder.path().to_owned()).resolve(&env).unwrap_err().kind, Kind::Config);
        assert_eq!(SecretRef::File(folder.path().join("none")).resolve(&env).unwrap_err().kind, Kind::Missing);
    }

    #[test]
    fn a_credential_is_found_where_systemd_puts_it() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), "eth", "https://h/CANARY", 0o444);
        let env = FixedEnv::of([(CREDENTIALS_DIRECTORY, folder.path().to_str().unwrap())]);
        assert_eq!(reference("credential:eth").resolve(&env).unwrap().expose_secret(), "https://h/CANARY");
        let fault = reference("credential:eth").resolve(&FixedEnv::default()).unwrap_err();
        assert!(fault.hint.unwrap().contains("LoadCredential=eth:"));
    }

    #[test]
    fn what_is_no_url_is_no_endpoint_and_is_not_shown() {
        let env = FixedEnv::of([("K", "CANARY-not-a-url")]);
        let fault = reference("env:K").resolve_url(&env).unwrap_err();
        assert!(fault.message.contains("env:K") && !format!("{fault:?}").contains("CANARY"));
    }
}
