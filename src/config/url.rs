//! URLs that may hold a key: telling whether one does, and naming one without it.

use reqwest::Url;
use reqwest::header::HeaderValue;

/// Reads an `http` or `https` URL. The error says what is wrong and does not repeat the text, which may be a secret.
pub fn parse_http(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL: expected https://HOST/…")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http:// and https:// URLs are taken");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the URL names no host");
    }
    // A request line is built from it; reqwest would refuse later and less clearly.
    HeaderValue::from_str(url.as_str()).map_err(|_| "the URL holds characters that no request can carry")?;
    Ok(url)
}

/// Whether a URL seems to carry a credential: user info, a telling query, or a token in path or host.
pub fn looks_keyed(url: &Url) -> bool {
    const TELLING: [&str; 8] = ["key", "token", "secret", "auth", "pass", "sig", "cred", "jwt"];
    if !url.username().is_empty() || url.password().is_some() {
        return true;
    }
    let telling = |name: &str| TELLING.iter().any(|word| name.to_ascii_lowercase().contains(word));
    url.query_pairs().any(|(name, value)| telling(&name) || is_token(&name) || is_token(&value))
        || url.path_segments().is_some_and(|mut segments| segments.any(is_token))
        || url.fragment().is_some_and(is_token)
        || host_labels(url).any(is_token)
}

/// Names an endpoint without anything that may be secret: `https://rpc.example:8545/…`.
pub fn shown_endpoint(url: &Url) -> String {
    let rest = if url.path() == "/" && url.query().is_none() { "" } else { "/…" };
    format!("{}://{}{rest}", url.scheme(), shown_host(url))
}

/// Names a document by its host and the last part of its path: `https://example.org/…/feeds-mainnet.json`. What stands
/// between may be a key, however short.
pub fn shown_document(url: &Url) -> String {
    let path = url.path().trim_start_matches('/');
    let (between, last) = path.rsplit_once('/').map_or(("", path), |(_, last)| ("…/", last));
    let last = if is_token(last) { "…" } else { last };
    format!("{}://{}/{between}{last}", url.scheme(), shown_host(url))
}

/// Whether its host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback()),
        None => false,
    }
}

/// Whether its host is a link-local address or a name of one: where clouds serve credentials to whoever asks.
pub fn is_metadata_host(url: &Url) -> bool {
    use std::net::IpAddr;
    let Some(host) = url.host_str() else { return false };
    match host.trim_matches(['[', ']']).parse::<IpAddr>().map(|address| address.to_canonical()) {
        // Alibaba serves its metadata at 100.100.100.200.
        Ok(IpAddr::V4(address)) => address.is_link_local() || address.octets() == [100, 100, 100, 200],
        Ok(IpAddr::V6(address)) => {
            address.is_unicast_link_local() || address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
        Err(_) => matches!(host.trim_end_matches('.'), "metadata.google.internal" | "metadata" | "instance-data"),
    }
}

fn host_labels(url: &Url) -> impl Iterator<Item = &str> {
    url.host_str().unwrap_or_default().split('.')
}

/// Host, and port where it is not the scheme's own; a part of the host that looks like a token is masked.
pub fn shown_host(url: &Url) -> String {
    let labels: Vec<&str> = host_labels(url).map(|label| if is_token(label) { "…" } else { label }).collect();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", labels.join("."))
}

/// Whether a word looks drawn at random rather than written: long, with letters and digits in one run, or with
/// capitals, small letters and digits together, or a UUID. Percent signs do not hide it.
pub fn is_token(word: &str) -> bool {
    let word = percent_encoding::percent_decode_str(word).decode_utf8_lossy();
    let has = |wanted: fn(&char) -> bool| word.chars().any(|c| wanted(&c));
    let mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit);
    let groups: Vec<usize> = word.split('-').map(str::len).collect();
    let uuid = groups == [8, 4, 4, 4, 12] && word.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    let run = word.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        let digits = run.chars().filter(char::is_ascii_digit).count();
        let capital_inside = run.chars().skip(1).any(|c| c.is_ascii_uppercase());
        let small = run.chars().any(|c| c.is_ascii_lowercase());
        (run.len() >= 16 && digits >= 2) || (run.len() >= 24 && capital_inside && small) || run.len() >= 32
    });
    uuid || run || (word.len() >= 20 && mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        parse_http(text).unwrap()
    }

    #[test]
    fn the_forms_in_which_providers_hand_out_keys_are_known() {
        for keyed in [
            "https://mainnet.infura.io/v3/9aa3d95b3bc440fa88ea12eaa4456161",
            "https://eth-mainnet.g.alchemy.com/v2/aB3_dE-fGhIjKlMnOpQrStUvWxYz1234",
            "https://name-two.quiknode.pro/0123456789abcdef0123456789abcdef01234567/",
            "https://lb.drpc.org/ogrpc?network=ethereum&dkey=abc",
            "https://eth.blastapi.io/1b2c3d4e-0000-4aaa-8bbb-0123456789ab",
            "https://user:pw@rpc.example/",
            "https://token@rpc.example/",
            "https://0123456789abcdef0123456789abcdef.rpc.example/",
            "https://rpc.example/%61%42cD3fGh1jKlMn0pQrSt",
            "https://abcdefghijklmnopqrstuvwxyzabcdef.rpc.example/",
        ] {
            assert!(looks_keyed(&url(keyed)), "{keyed}");
        }
        for plain in [
            "http://127.0.0.1:8545",
            "https://api.avax.network/ext/bc/C/rpc",
            "https://rpc.example/ethereum-mainnet-arbitrum-1",
            "https://rpc.example/?network=ethereum",
            "https://ethereum-sepolia-rpc.publicnode.com",
        ] {
            assert!(!looks_keyed(&url(plain)), "{plain}");
        }
    }

    #[test]
    fn a_shown_url_has_no_path_query_or_user() {
        assert_eq!(shown_endpoint(&url("https://u:p@rpc.example:8545/v3/abc?x=y#z")), "https://rpc.example:8545/…");
        assert_eq!(shown_endpoint(&url("http://127.0.0.1:8545")), "http://127.0.0.1:8545");
        assert_eq!(
            shown_endpoint(&url("https://0123456789abcdef0123456789abcdef.rpc.example/")),
            "https://….rpc.example"
        );
        assert_eq!(
            shown_document(&url("https://u:p@a.example/feeds-mainnet.json?k=v")),
            "https://a.example/feeds-mainnet.json"
        );
        assert_eq!(
            shown_document(&url("https://a.example/0123456789abcdef0123/feeds.json")),
            "https://a.example/…/feeds.json"
        );
        assert_eq!(shown_document(&url("https://a.example/s3cr3t/x/feeds.json")), "https://a.example/…/feeds.json");
        assert_eq!(shown_document(&url("https://a.example/0123456789abcdef0123")), "https://a.example/…");
    }

    #[test]
    fn metadata_services_are_known_in_every_spelling() {
        for host in
            ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "metadata.google.internal", "0xA9FEA9FE"]
        {
            assert!(is_metadata_host(&url(&format!("http://{host}/"))), "{host}");
        }
        assert!(!is_metadata_host(&url("http://127.0.0.1:8545/")));
        assert!(is_loopback(&url("http://[::1]:1/")) && is_loopback(&url("http://localhost/")));
        assert!(!is_loopback(&url("http://localhost.example/")));
    }
}
