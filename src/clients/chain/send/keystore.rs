//! An encrypted keystore (JSON v3), and its password by reference.

use std::fmt;
use std::path::{Path, PathBuf};

use ethers_signers::{LocalWallet, Signer as _};
use ira_commands::units::address;
use ira_commands::value::H160;
use ira_commands::{Fault, Kind};
use secrecy::{ExposeSecret as _, SecretString};

use super::SigningKey;

/// A keystore longer than this is none.
const MOST_BYTES: u64 = 64 * 1024;

/// A keystore that was found, still locked.
pub struct Keystore {
    path: PathBuf,
    /// Whose it says it is; not every program writes that.
    address: Option<H160>,
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keystore({})", self.path.display())
    }
}

/// What is read of a keystore before it is unlocked.
#[derive(serde::Deserialize)]
struct Outside {
    version: u32,
    address: Option<String>,
}

impl Keystore {
    /// Looks at a keystore without unlocking it. A fault of kind `Config` says what is wrong with the file.
    ///
    /// With `private` it must be readable by its owner and group only.
    pub fn open(path: &Path, private: bool) -> Result<Self, Fault> {
        let shown = path.display();
        let wrong = |why: String| Fault::new(Kind::Config, format!("the keystore {shown} cannot be used")).because(why);
        let metadata = std::fs::metadata(path).map_err(|error| {
            wrong(error.to_string()).hint(
                "`networks.NAME.signer.keystore` names an encrypted keystore (JSON v3), as geth and cast write it",
            )
        })?;
        if !metadata.is_file() {
            return Err(wrong("it is not a regular file".to_owned()));
        }
        if private && open_to_others(&metadata) {
            return Err(
                wrong("others on this machine may read or change it".to_owned()).hint(format!("chmod 600 {shown}"))
            );
        }
        if metadata.len() > MOST_BYTES {
            return Err(wrong("it is longer than 64 KiB".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let outside: Outside = serde_json::from_str(&text).map_err(|_| {
            wrong("it is no JSON keystore".to_owned()).hint("a private key in clear text is not taken: encrypt it")
        })?;
        if outside.version != 3 {
            return Err(wrong(format!("it is of version {}, and 3 is known", outside.version)));
        }
        let address = outside.address.and_then(|text| format!("0x{}", text.trim_start_matches("0x")).parse().ok());
        Ok(Self { path: path.to_owned(), address })
    }

    /// Whose it says it is, where it does.
    pub fn address(&self) -> Option<H160> {
        self.address
    }

    /// Unlocks it. Takes a second or more by design, and blocks for it.
    pub fn unlock(&self, password: &SecretString) -> Result<SigningKey, Fault> {
        let shown = self.path.display();
        let wallet = LocalWallet::decrypt_keystore(&self.path, password.expose_secret()).map_err(|error| {
            let fault = Fault::new(Kind::Config, format!("the keystore {shown} cannot be unlocked"));
            // The library's words say "Mac Mismatch".
            if error.to_string().to_lowercase().contains("mac") {
                fault.because("the password is wrong").hint("check what `networks.NAME.signer.password` refers to")
            } else {
                fault.because(error.to_string())
            }
        })?;
        match self.address {
            Some(said) if said != wallet.address() => Err(Fault::new(
                Kind::Config,
                format!(
                    "the keystore {shown} says that it is of {}, and its key is of {}",
                    address(said),
                    address(wallet.address())
                ),
            )),
            _ => Ok(SigningKey::new(wallet)),
        }
    }
}

#[cfg(unix)]
fn open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o007 != 0
}

#[cfg(not(unix))]
fn open_to_others(_metadata: &std::fs::Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use ira_commands::ports::Signer as _;

    use super::*;

    fn made(folder: &Path) -> PathBuf {
        let key = [7_u8; 32];
        let mut random = ethers_core::rand::thread_rng();
        LocalWallet::encrypt_keystore(folder, &mut random, key, "correct horse", Some("key")).expect("made");
        let path = folder.join("key");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
        path
    }

    #[test]
    fn the_right_password_opens_it_and_the_wrong_one_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let keystore = Keystore::open(&made(folder.path()), true).expect("a keystore");
        let key = keystore.unlock(&"correct horse".into()).expect("unlocked");
        assert_ne!(key.address(), H160::zero());
        let fault = keystore.unlock(&"CANARY".into()).err().expect("wrong");
        assert!(
            fault.one_line().contains("the password is wrong") && !format!("{fault:?}").contains("CANARY"),
            "{fault:?}"
        );
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = made(folder.path());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("chmod");
        let fault = Keystore::open(&path, true).expect_err("open to all");
        assert_eq!(fault.hint, Some(format!("chmod 600 {}", path.display())));
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "0xCANARY").expect("written");
        std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o600)).expect("chmod");
        let fault = Keystore::open(&plain, true).expect_err("no keystore");
        assert!(!format!("{fault:?}").contains("CANARY"), "{fault:?}");
        assert_eq!(Keystore::open(&folder.path().join("none"), true).expect_err("none").kind, Kind::Config);
    }
}
