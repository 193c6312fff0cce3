//! The Chainlink nodes that may be asked, and how one logs in to them.

use ira_commands::text::{excerpt, nearest, without_urls};
use ira_commands::{Fault, Kind};
use secrecy::SecretString;

use super::network::{is_name, normal};
use super::reader::{Item, Name, Reader};
use super::secret::SecretRef;
use super::{Config, NetworkConfig, keys, url};

/// A node. Holds references, and shows no secret.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its name.
    pub name: String,
    /// Base of its API: an `http` or `https` URL, or where one is.
    pub url: SecretRef,
    /// Who logs in.
    pub email: String,
    /// With this password; never a literal.
    pub password: SecretRef,
    /// The network it serves: a name or alias, not looked up yet.
    pub network: String,
}

impl Config {
    /// A node by its name. The fault names the nearest one.
    pub fn node(&self, name: &str) -> Result<&NodeConfig, Fault> {
        if let Some(node) = self.nodes.get(&normal(name)) {
            return Ok(node);
        }
        let known = || self.nodes.keys().map(String::as_str);
        let hint = match nearest(&normal(name), known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.nodes.is_empty() => {
                "configure one: [nodes.NAME] with url, email, password and network (`ira help config`)".to_owned()
            }
            None => format!("one of: {}", known().collect::<Vec<_>>().join(", ")),
        };
        let shown = excerpt(&without_urls(name), 64);
        Err(Fault::new(Kind::Usage, format!("no node `{shown}` is configured")).hint(hint))
    }

    /// The network that a node serves.
    pub fn network_of(&self, node: &NodeConfig) -> Result<&NetworkConfig, Fault> {
        self.network(&node.network).map_err(|fault| {
            let origin = self.origin(&format!("nodes.{}", node.name));
            Fault { kind: Kind::Config, ..fault }.because(format!("`nodes.{}.network` of {origin}", node.name))
        })
    }

    /// The nodes to ask: those that are named, else every one of `network`; of any network where that is for the
    /// endpoint to say.
    pub fn nodes_for(
        &self,
        named: &[String],
        network: Option<&NetworkConfig>,
    ) -> Result<Vec<(&NodeConfig, &NetworkConfig)>, Fault> {
        let meant = |serves: &NetworkConfig| network.is_none_or(|network| network.chain_id == serves.chain_id);
        if named.is_empty() {
            let all = self.nodes.values().map(|node| Ok((node, self.network_of(node)?)));
            return all.filter(|one| one.as_ref().map_or(true, |(_, serves)| meant(serves))).collect();
        }
        let mut found: Vec<(&NodeConfig, &NetworkConfig)> = Vec::new();
        for name in named {
            let node = self.node(name)?;
            let serves = self.network_of(node)?;
            if let Some(network) = network.filter(|_| !meant(serves)) {
                let why = format!("the node `{}` is one of {}, not of {}", node.name, serves.name, network.name);
                return Err(Fault::new(Kind::Usage, why).hint("name its network with --network, or another node"));
            }
            if !found.iter().any(|(other, _)| other.name == node.name) {
                found.push((node, serves));
            }
        }
        Ok(found)
    }

    /// The URL of a node's API.
    pub fn node_url(&self, node: &NodeConfig) -> Result<SecretString, Fault> {
        node.url
            .resolve_url(self.env.as_ref())
            .map_err(|fault| fault.wrap(format!("the URL of the node `{}` cannot be had", node.name)))
    }

    /// The password of a node's user.
    pub fn node_password(&self, node: &NodeConfig) -> Result<SecretString, Fault> {
        node.password
            .resolve(self.env.as_ref())
            .map_err(|fault| fault.wrap(format!("the password for the node `{}` cannot be had", node.name)))
    }
}

/// Reads `[nodes]`. A node is set whole: a stronger file replaces it.
pub(super) fn read(config: &mut Config, reader: &mut Reader<'_>, item: &Item<'_>) {
    let Some(table) = reader.table("nodes", item) else { return };
    for (key, item) in table {
        let name = normal(key.get_ref());
        if !is_name(&name) {
            let why = "a node's name is made of small letters, digits, `-` and `.`, at most 64 of them";
            reader.problem(&key.span(), why, None);
            continue;
        }
        if let Some(node) = node(reader, key, &name, item) {
            config.origins.insert(format!("nodes.{name}"), reader.origin(&key.span()));
            config.nodes.insert(name, node);
        }
    }
}

fn node(reader: &mut Reader<'_>, place: &Name<'_>, name: &str, item: &Item<'_>) -> Option<NodeConfig> {
    let key = format!("nodes.{name}");
    let table = reader.table(&key, item)?;
    let folder = super::file::folder(reader);
    let (mut url, mut email, mut password, mut network) = (None, None, None, None);
    let before = reader.problems.len();
    for (word, item) in table {
        let full = format!("{key}.{}", word.get_ref());
        match word.get_ref().as_ref() {
            "url" => url = reader.parsed(&full, item, |text| address(text, &folder)),
            "email" => email = reader.parsed(&full, item, mailbox),
            "password" => password = reader.parsed(&full, item, |text| SecretRef::parse_only(text, &folder)),
            "network" => network = reader.text(&full, item).map(str::to_owned),
            _ => reader.unknown(word, &format!("[{key}]"), keys::NODE),
        }
    }
    if reader.problems.len() > before {
        return None;
    }
    let missing = match (&url, &email, &password, &network) {
        (None, ..) => "url",
        (_, None, ..) => "email",
        (_, _, None, _) => "password",
        (.., None) => "network",
        _ => "",
    };
    if let (Some(url), Some(email), Some(password), Some(network)) = (url, email, password, network) {
        return Some(NodeConfig { name: name.to_owned(), url, email, password, network });
    }
    let hint = format!(
        "{name} = {{ url = \"https://HOST:6689\", email = \"USER\", password = \"credential:NAME\", network = \"NAME\" }}"
    );
    reader.problem(&place.span(), format!("`{key}` has no `{missing}`"), Some(hint));
    None
}

/// The base of an API, as it stands or by reference; what could be a key does not stand in the file.
fn address(text: &str, folder: &std::path::Path) -> Result<SecretRef, String> {
    let reference = SecretRef::parse(text, folder)?;
    match url::parse_http(text.trim()) {
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            Err("takes the base of the node's API, without a query".to_owned())
        }
        _ => Ok(reference),
    }
}

fn mailbox(text: &str) -> Result<String, String> {
    let text = text.trim();
    let sound = text.len() <= 254 && text.contains('@') && !text.contains("//") && !text.chars().any(char::is_control);
    if sound { Ok(text.to_owned()) } else { Err("takes the e-mail address that the node knows its user by".to_owned()) }
}
