//! Where a request may go. What an operator wrote may go anywhere but to the services that hand out credentials; what
//! an alert had a word in may go to public addresses, and to those that the operator allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ira_commands::{Fault, Kind};
use reqwest::Url;

use crate::config::systems::Allowed;
use crate::config::url;

/// Why a service of a cloud is not asked.
const METADATA: &str = "it is where a cloud hands out credentials";

/// The addresses that `target` leads to, all of which may be asked; none where only a proxy can tell.
pub(super) async fn admitted(target: &Url, untrusted: bool, allow: &[Allowed]) -> Result<Vec<SocketAddr>, Fault> {
    let host = url::shown_host(target);
    let denied = |why: &str| Fault::new(Kind::Denied, format!("{host} is not asked: {why}"));
    if url::is_metadata_host(target) {
        return Err(denied(METADATA));
    }
    if untrusted && (!target.username().is_empty() || target.password().is_some()) {
        return Err(denied("an alert names it with a user"));
    }
    let port = target.port_or_known_default().unwrap_or(80);
    let name = target.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let addresses: Vec<SocketAddr> = match name.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => match tokio::net::lookup_host((name, port)).await {
            Ok(found) => found.collect(),
            // Behind a proxy names need not be known here.
            Err(_) if !untrusted => return Ok(Vec::new()),
            Err(error) => {
                return Err(Fault::new(Kind::Unreachable, format!("{host} has no address")).because(error.to_string()));
            }
        },
    };
    if addresses.iter().any(|address| is_metadata(address.ip())) {
        return Err(denied(METADATA));
    }
    if untrusted && !is_named(target, allow) {
        for address in &addresses {
            if let Some(what) = special(address.ip())
                && !is_within(address.ip(), allow)
            {
                return Err(denied(&format!("an alert names it, and {what}"))
                    .hint("allow it in `http.allow` of the user's configuration (`ira help config`)"));
            }
        }
        if addresses.is_empty() {
            return Err(denied("it has no address"));
        }
    }
    Ok(addresses)
}

/// Whether the operator has named this host.
pub(super) fn is_named(target: &Url, allow: &[Allowed]) -> bool {
    let (host, port) = (target.host_str(), target.port_or_known_default());
    allow.iter().any(|one| match one {
        Allowed::Host(name, None) => host == Some(name.as_str()),
        Allowed::Host(name, Some(at)) => host == Some(name.as_str()) && port == Some(*at),
        Allowed::Net(..) => false,
    })
}

fn is_within(address: IpAddr, allow: &[Allowed]) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(four.to_bits()) << 96, true),
        IpAddr::V6(six) => (six.to_bits(), false),
    };
    let (have, four) = bits(address.to_canonical());
    allow.iter().any(|one| match one {
        Allowed::Net(net, length) => {
            let (net, is_four) = bits(*net);
            four == is_four && (have ^ net) >> (128 - u32::from((*length).max(1))) == 0
        }
        Allowed::Host(..) => false,
    })
}

/// The address of version 4 that one of version 6 leads to: mapped, translated (NAT64, 6to4).
fn inner(six: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = six.segments();
    let four = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match parts {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x2002, high, low, ..] => Some(four(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(four(high, low)),
        _ => None,
    }
}

/// Whether clouds serve their metadata at it.
fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_link_local() || four.octets() == [100, 100, 100, 200],
        IpAddr::V6(six) => match inner(six) {
            Some(four) => is_metadata(IpAddr::V4(four)),
            None => six.segments()[..4] == [0xfd00, 0xec2, 0, 0] || six.is_unicast_link_local(),
        },
    }
}

/// What an address is where it is not a public one.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, _] = four.octets();
            if four.is_loopback() {
                Some("it is this machine")
            } else if four.is_private() || (a == 100 && (64..128).contains(&b)) {
                Some("its address is private")
            } else if four.is_link_local() {
                Some("its address is of the local link")
            } else if a == 0 || a >= 224 || (a, b, c) == (192, 0, 0) || (a == 198 && (18..20).contains(&b)) {
                Some("its address is not a public one")
            } else {
                None
            }
        }
        IpAddr::V6(six) => {
            if let Some(four) = inner(six) {
                return special(IpAddr::V4(four));
            }
            if six.is_loopback() {
                Some("it is this machine")
            } else if six.is_unique_local() {
                Some("its address is private")
            } else if six.is_unicast_link_local() {
                Some("its address is of the local link")
            } else if six.segments()[0] & 0xe000 != 0x2000 {
                Some("its address is not a public one")
            } else {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(target: &str, untrusted: bool, allow: &[Allowed]) -> Result<usize, Kind> {
        let target = Url::parse(target).expect("a URL");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(admitted(&target, untrusted, allow)).map(|all| all.len()).map_err(|fault| fault.kind)
    }

    #[test]
    fn what_an_alert_names_is_public_in_every_spelling_or_not_asked() {
        for inside in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://0/",
            "http://localhost/",
            "http://10.1.2.3/",
            "http://192.168.0.1/",
            "http://172.16.0.1/",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:a00:1::]/",
            "http://[fd12::1]/",
            "http://[fe80::1]/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://198.18.0.1/",
            "http://[::7f00:1]/",
            "http://u:p@8.8.8.8/",
        ] {
            assert_eq!(ask(inside, true, &[]), Err(Kind::Denied), "{inside}");
        }
        for outside in ["http://8.8.8.8/", "http://[2606:4700::1111]/", "https://93.184.216.34:8443/x"] {
            assert_eq!(ask(outside, true, &[]), Ok(1), "{outside}");
        }
    }

    #[test]
    fn what_is_allowed_is_asked_and_nothing_beside_it() {
        let net = |text: &str, length| Allowed::Net(text.parse().expect("an address"), length);
        let host = |name: &str, port| Allowed::Host(name.to_owned(), port);
        assert_eq!(ask("http://10.1.2.3/", true, &[net("10.1.0.0", 16)]), Ok(1));
        assert_eq!(ask("http://10.2.2.3/", true, &[net("10.1.0.0", 16)]), Err(Kind::Denied));
        assert_eq!(ask("http://[fd12::1]/", true, &[net("fd12::", 16)]), Ok(1));
        assert_eq!(ask("http://127.0.0.1:81/", true, &[host("127.0.0.1", Some(81))]), Ok(1));
        assert_eq!(ask("http://127.0.0.1:82/", true, &[host("127.0.0.1", Some(81))]), Err(Kind::Denied));
        assert!(ask("http://localhost/", true, &[host("localhost", None)]).is_ok());
    }

    #[test]
    fn metadata_is_never_asked_whoever_names_it_and_whatever_is_allowed() {
        let all = [
            Allowed::Net("0.0.0.0".parse().expect("an address"), 1),
            Allowed::Host("169.254.169.254".to_owned(), None),
        ];
        for target in [
            "http://169.254.169.254/latest/meta-data/",
            "http://0xA9FEA9FE/",
            "http://[::ffff:169.254.169.254]/",
            "http://169.254.170.2/",
            "http://100.100.100.200/",
            "http://[fd00:ec2::254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://metadata.google.internal/",
        ] {
            for untrusted in [false, true] {
                assert_eq!(ask(target, untrusted, &all), Err(Kind::Denied), "{target}");
            }
        }
        assert_eq!(ask("http://127.0.0.1/", false, &[]), Ok(1), "an operator may");
    }
}
