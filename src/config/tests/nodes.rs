//! Chainlink nodes: named strictly, shown without their secrets, found by network.

use super::*;

const NODE: &str = "[nodes.vrf-1]\nurl = \"https://vrf-1.example:6689\"\nemail = \"oncall@example.org\"\n\
                    password = \"env:P\"\nnetwork = \"base\"\n";

#[test]
fn a_node_is_a_place_a_user_a_reference_and_a_network() {
    let config = Machine::new().user(NODE).env("P", "CANARY").load().unwrap();
    let node = config.node("VRF_1").unwrap();
    assert_eq!(
        (node.name.as_str(), node.email.as_str(), config.network_of(node).unwrap().name.as_str()),
        ("vrf-1", "oncall@example.org", "base-mainnet")
    );
    assert_eq!(config.node_password(node).unwrap().expose_secret(), "CANARY");
    let shown = config.show();
    let of = |key: &str| shown.iter().find(|value| value.key == key).unwrap();
    assert_eq!(of("nodes.vrf-1.password").value, "env:P");
    assert_eq!(of("nodes.vrf-1.url").value, "https://vrf-1.example:6689");
    assert!(of("nodes.vrf-1.email").origin.to_string().contains("user config"));
    assert!(!format!("{config:?} {shown:?} {:?}", show(&config)).contains("CANARY"));
}

#[test]
fn what_is_wrong_with_a_node_is_named_with_its_place_and_without_a_secret() {
    let with = |key: &str, value: &str| {
        let lines: Vec<String> = NODE
            .lines()
            .map(|line| if line.starts_with(key) { format!("{key} = {value}") } else { line.to_owned() })
            .collect();
        lines.join("\n")
    };
    for (text, what) in [
        (with("password", "\"CANARY\""), "never the password itself"),
        (with("password", "\"https://h/CANARY\""), "never the password itself"),
        (with("url", "\"wss://h\""), "only http:// and https://"),
        (with("url", "\"https://h/?token=CANARY\""), "without a query"),
        (with("email", "\"CANARY\""), "takes the e-mail address"),
        (with("network", "7"), "a string"),
        (NODE.replace("email = ", "emial = "), "did you mean `email`?"),
        (NODE.replace("network = \"base\"\n", ""), "has no `network`"),
        (NODE.replace("vrf-1]", "\"VRF 1/\"]"), "a node's name is made of"),
        ("nodes = 1".to_owned(), "a table"),
    ] {
        let said = all_of(&Machine::new().user(&text).fault());
        assert!(said.contains(what), "{text}: {said}");
        // The line that is wrong is quoted with its place; a secret that stands in it has been there all along.
        assert!(!said.contains("CANARY\""), "{text}: {said}");
    }
}

#[test]
fn nodes_are_found_by_their_network_or_their_name() {
    let other = NODE.replace("vrf-1]", "vrf-2]").replace("\"base\"", "\"ethereum-mainnet\"");
    let config = Machine::new().user(&format!("{NODE}{other}")).load().unwrap();
    let names = |named: &[&str], network: Option<&str>| {
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let network = network.map(|name| config.network(name).unwrap());
        let found = config.nodes_for(&named, network)?;
        Ok::<_, Fault>(found.into_iter().map(|(node, _)| node.name.clone()).collect::<Vec<_>>())
    };
    assert_eq!(names(&[], Some("base")).unwrap(), ["vrf-1"]);
    assert_eq!(names(&[], None).unwrap(), ["vrf-1", "vrf-2"]);
    assert_eq!(names(&["vrf-2", "vrf-2"], None).unwrap(), ["vrf-2"]);
    let fault = names(&["vrf1"], Some("base")).unwrap_err();
    assert_eq!((fault.kind, fault.hint.as_deref()), (Kind::Usage, Some("did you mean `vrf-1`?")));
    let fault = names(&["vrf-2"], Some("base")).unwrap_err();
    assert!(
        fault.kind == Kind::Usage && fault.message.contains("one of ethereum-mainnet, not of base-mainnet"),
        "{fault}"
    );
    let lost = Machine::new().user(&NODE.replace("\"base\"", "\"bsae-mainnet\"")).load().unwrap();
    let fault = lost.nodes_for(&[], None).unwrap_err();
    assert!(fault.kind == Kind::Config && fault.one_line().contains("nodes.vrf-1.network"), "{fault}");
    assert!(fault.hint.unwrap().contains("base-mainnet"));
}

#[test]
fn a_stronger_file_replaces_a_node_whole() {
    let system = NODE.replace("oncall@", "system@");
    let config = Machine::new().system(&system).user(NODE).load().unwrap();
    assert_eq!(config.node("vrf-1").unwrap().email, "oncall@example.org");
    assert_eq!(config.nodes.len(), 1);
}

#[test]
fn a_check_says_what_a_login_lacks_and_who_can_read_it() {
    let machine = Machine::new().user(&NODE.replace("https:", "http:").replace("\"base\"", "\"nowhere-at-all\""));
    let report = check(&machine.sources()).unwrap();
    let said = report.data.to_string();
    for part in ["is asked over http://", "the environment variable P is not set", "no network `nowhere-at-all`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
