//! The next command that a report names, made to reach the chain as this run did: it is printed to be pasted.

use std::path::Path;

use ira_commands::shell;
use secrecy::ExposeSecret as _;

use crate::cli::{Format, Reach};
use crate::config::DirectorySource;
use crate::config::secret::SecretRef;
use crate::render::push;

/// What stands for an endpoint whose URL is not to be shown: the warning about it says to put it there.
const HIDDEN: &str = "env:RPC_URL";

/// How this run was asked, beside the command's own arguments.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// How the chain is reached.
    pub reach: &'a Reach,
    /// `--config FILE`.
    pub config: Option<&'a Path>,
    /// The form of the result.
    pub format: Format,
    /// Whether it is watched already.
    pub watched: bool,
}

/// The next commands, with the flags of `asked` that they need; without those that would do what was just done.
pub fn lines(next: &[String], asked: Asked<'_>) -> Vec<String> {
    next.iter().filter_map(|line| one(line, asked)).collect()
}

fn one(line: &str, asked: Asked<'_>) -> Option<String> {
    const MARKDOWN: &str = " --format markdown";
    const WATCH: &str = " --watch";
    let reached = match line {
        line if line.starts_with("ira act node.") => Some(Reached::Node),
        line if line.starts_with("ira act ") => Some(Reached::Chain),
        line if line.starts_with("ira vrf-runbook ") => Some(Reached::Both),
        _ => None,
    };
    if let Some(reached) = reached {
        return Some(line.to_owned() + &flags(asked, reached));
    }
    if !line.starts_with("ira feed-report ") {
        return Some(line.to_owned());
    }
    let mut line = line;
    if line.ends_with(WATCH) && asked.watched {
        return None;
    }
    // A recording does not change, and a note is read by somebody else: they run the command itself.
    if asked.reach.replay.is_some() || asked.format == Format::Markdown {
        line = line.strip_suffix(WATCH).unwrap_or(line);
    }
    if asked.format == Format::Markdown {
        line = line.strip_suffix(MARKDOWN).unwrap_or(line);
    }
    Some(line.to_owned() + &flags(asked, Reached::Feeds))
}

/// What a command reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// A chain and the directory of its feeds; it can be replayed from this run's recording.
    Feeds,
    /// A chain.
    Chain,
    /// A chain, and Chainlink nodes beside it.
    Both,
    /// A Chainlink node, which it names itself.
    Node,
}

/// The flags by which this run was asked, as far as a command that reaches `what` has them.
fn flags(asked: Asked<'_>, what: Reached) -> String {
    let mut flags: Vec<(&str, String)> = Vec::new();
    let reach = asked.reach;
    if what != Reached::Node {
        flags.extend(reach.rpc_url.iter().map(|url| ("--rpc-url", endpoint(url.expose_secret()))));
        flags.extend(reach.quorum.map(|quorum| ("--quorum", quorum.to_string())));
    }
    flags.extend(reach.nodes.iter().flatten().filter(|_| what == Reached::Both).map(|name| ("--node", name.clone())));
    flags.extend(reach.timeout.map(|seconds| ("--timeout", seconds.to_string())));
    if what == Reached::Feeds {
        flags.extend(reach.directory.as_deref().map(|source| ("--directory", directory(source))));
        flags.extend(reach.replay.as_ref().map(|path| ("--replay", path.display().to_string())));
    }
    flags.extend(asked.config.map(|path| ("--config", path.display().to_string())));
    let mut out = String::new();
    for (flag, value) in flags {
        push(&mut out, format_args!(" {flag} {}", shell::word(&value)));
    }
    out
}

/// A reference as it was given; a URL only where nothing of it is hidden when it is shown.
fn endpoint(text: &str) -> String {
    match SecretRef::parse(text, Path::new("")) {
        Ok(literal @ SecretRef::Literal(_)) if literal.to_string() != text.trim().trim_end_matches('/') => {
            HIDDEN.to_owned()
        }
        Ok(literal) if literal.is_keyed_literal() => HIDDEN.to_owned(),
        Ok(_) => text.trim().to_owned(),
        Err(_) => HIDDEN.to_owned(),
    }
}

/// A path or URL as it was given; a URL that holds what is not to be shown without that.
fn directory(text: &str) -> String {
    match DirectorySource::parse(text, Path::new("")) {
        Ok(url @ DirectorySource::Url(_)) => url.to_string(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn after(line: &str, reach: &Reach, format: Format) -> String {
        let asked = Asked { reach, config: None, format, watched: false };
        lines(&[line.to_owned()], asked).join("\n")
    }

    fn by(url: &str) -> Reach {
        Reach { rpc_url: vec![SecretString::from(url)], ..Reach::default() }
    }

    #[test]
    fn an_action_is_reached_as_this_run_was_and_reads_no_directory() {
        let reach = Reach { directory: Some("feeds.json".to_owned()), ..by("http://127.0.0.1:8545") };
        assert_eq!(
            after("ira act chain.fund_key --key 0x1 --amount 1ETH", &reach, Format::Table),
            "ira act chain.fund_key --key 0x1 --amount 1ETH --rpc-url http://127.0.0.1:8545"
        );
    }

    #[test]
    fn the_next_command_reaches_the_chain_as_this_one_did() {
        let reach =
            Reach { directory: Some("my feeds.json".to_owned()), quorum: Some(2), ..by("http://127.0.0.1:8545") };
        assert_eq!(
            after("ira feed-report eth-usd --format markdown", &reach, Format::Table),
            "ira feed-report eth-usd --format markdown --rpc-url http://127.0.0.1:8545 --quorum 2 --directory 'my feeds.json'"
        );
        let replay = Reach { replay: Some("case.json".into()), ..Reach::default() };
        assert_eq!(after("ira feed-report a --watch", &replay, Format::Table), "ira feed-report a --replay case.json");
        assert_eq!(after("ira config show", &replay, Format::Table), "ira config show");
    }

    #[test]
    fn a_url_that_may_hold_a_key_is_not_repeated() {
        for url in [
            "https://rpc.example/v3/0123456789abcdef0123456789abcdef",
            "https://rpc.example/path",
            "https://rpc.example/?apikey=KEY",
            "https://user:KEY@rpc.example",
            "https://0123456789abcdef0123456789abcdef.rpc.example",
            "no url KEY",
        ] {
            let line = after("ira feed-report eth-usd", &by(url), Format::Table);
            assert_eq!(line, "ira feed-report eth-usd --rpc-url env:RPC_URL", "{url}");
        }
        for kept in ["env:ETH_RPC_URL", "file:/etc/ira/url", "https://rpc.example", "https://rpc.example/"] {
            let line = after("ira feed-report eth-usd", &by(kept), Format::Table);
            assert_eq!(line, format!("ira feed-report eth-usd --rpc-url {kept}"));
        }
    }

    #[test]
    fn what_was_just_done_is_not_what_comes_next() {
        let reach = Reach::default();
        assert_eq!(after("ira feed-report a --format markdown", &reach, Format::Markdown), "ira feed-report a");
        let asked = Asked { reach: &reach, config: None, format: Format::Table, watched: true };
        assert!(lines(&["ira feed-report a --watch".to_owned()], asked).is_empty());
    }
}
