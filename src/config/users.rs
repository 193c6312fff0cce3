//! `[users.NAME]`: who may look at runs, and who decides.

use std::collections::BTreeMap;

use ira_commands::report::{Fact, Outcome, Report, Section, Status};
use ira_commands::text::excerpt;
use ira_commands::units::{self, digits};
use rand::RngCore as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::engine::{each, fields};
use super::keys;
use super::reader::{Item, Reader};

/// What a user may do; each may what the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Says yes or no to a plan, and what became of an attempt.
    Approver,
    /// Cancels, freezes, thaws.
    Operator,
    /// All of it.
    Admin,
}

impl Role {
    /// Each, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Approver, Self::Operator, Self::Admin];

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Approver => "approver",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// A user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserConfig {
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// What they may do.
    pub role: Role,
}

/// `[users.NAME]`.
pub(super) fn read(reader: &mut Reader<'_>, item: &Item<'_>) -> BTreeMap<String, UserConfig> {
    each(reader, "users", item, |reader, full, item| {
        let (mut token, mut role) = (None, Some(Role::Viewer));
        fields(reader, full, item, keys::USER, |reader, word, key, item| {
            match word {
                "token" => {
                    token = reader.text(key, item).and_then(|text| {
                        let bytes =
                            text.strip_prefix("sha256:").and_then(units::bytes).and_then(|all| all.try_into().ok());
                        if bytes.is_none() {
                            let hint = "the token itself is never written down: `ira config token` makes one";
                            let why = format!("`{key}` takes sha256: and the 64 digits of the token's hash");
                            reader.problem(&item.span(), why, Some(hint.to_owned()));
                        }
                        bytes
                    });
                }
                "role" => {
                    let Some(text) = reader.text(key, item) else { return true };
                    role = Role::ALL.into_iter().find(|role| role.word() == text);
                    if role.is_none() {
                        let words = Role::ALL.map(Role::word).join(", ");
                        reader.problem(&item.span(), format!("`{key}` is one of {words}"), None);
                    }
                }
                _ => return false,
            }
            true
        })?;
        if token.is_none() {
            let hint = "`ira config token` makes one, and the line for its hash".to_owned();
            reader.problem(&item.span(), format!("`{full}` has no `token`"), Some(hint));
        }
        Some(UserConfig { token: token?, role: role? })
    })
}

/// A new token for a user, and the lines that make it count. Nothing keeps the token: it is shown this once.
pub fn token(name: &str, role: Role) -> Report {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    let token = digits(&bytes);
    let hash = digits(&Sha256::digest(token.as_bytes()));
    let key = if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        name.to_owned()
    } else {
        json!(name).to_string()
    };
    let lines = format!("[users.{key}]\ntoken = \"sha256:{hash}\"\nrole = \"{}\"", role.word());
    let fact = |label, value: &str, note: &str| Fact { label, value: value.into(), note: note.to_owned() };
    let section = Section {
        status: Status::Ok,
        headline: format!("A token for {}; it is shown this once.", excerpt(name, 60)),
        advice: "give the token to the user, and put the hash into the daemon's configuration".to_owned(),
        facts: vec![
            fact("token", &token, ""),
            fact("hash", &format!("sha256:{hash}"), ""),
            fact("lines", &lines.replace('\n', " · "), "each on a line of its own"),
        ],
        tables: Vec::new(),
    };
    Report {
        sections: vec![section],
        next: vec!["ira config check".to_owned()],
        data: json!({ "name": name, "role": role.word(), "token": token, "hash": format!("sha256:{hash}"), "config": lines }),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: Outcome::Well,
    }
}
