//! The key that signs: named strictly, shown without its secret, and not used where a stranger has a say.

use super::*;

const SIGNER: &str =
    "[networks.base-mainnet.signer]\nkeystore = \"keys/a.json\"\npassword = \"env:P\"\nmax_fee_gwei = 90\n";

#[test]
fn a_signer_is_a_keystore_and_a_reference_to_its_password() {
    let config = Machine::new().user(SIGNER).load().unwrap();
    let network = config.network("base").unwrap();
    let signer = config.signer(network).unwrap().unwrap();
    assert!(signer.keystore.to_string().ends_with("home/keys/a.json"), "{}", signer.keystore);
    assert_eq!((signer.password.to_string().as_str(), signer.max_fee_gwei, signer.confirmations), ("env:P", 90, 2));
    let shown = config.show();
    let of = |key: &str| shown.iter().find(|value| value.key == key).unwrap();
    assert_eq!(of("networks.base-mainnet.signer.password").value, "env:P");
    assert!(of("networks.base-mainnet.signer.keystore").origin.to_string().contains("user config"));
    assert!(config.signer(config.network("ethereum-mainnet").unwrap()).unwrap().is_none());
}

#[test]
fn a_secret_where_a_reference_belongs_is_refused_and_not_repeated() {
    let key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    for (signer, what) in [
        (r#"{ keystore = "k.json", password = "CANARY" }"#.to_owned(), "never the password itself"),
        (r#"{ keystore = "k.json", password = "https://h/CANARY" }"#.to_owned(), "never the password itself"),
        (format!(r#"{{ keystore = "{key}", password = "env:P" }}"#), "not a key"),
        (format!(r#"{{ keystore = "0x{key}", password = "env:P" }}"#), "not a key"),
        (r#"{ keystore = "k.json" }"#.to_owned(), "has no `password`"),
        (r#"{ password = "env:P" }"#.to_owned(), "has no `keystore`"),
        (r#"{ keystore = "k.json", pasword = "env:CANARY" }"#.to_owned(), "did you mean `password`?"),
        (r#"{ keystore = "k.json", password = "env:P", max_fee_gwei = 0 }"#.to_owned(), "between 1 and"),
        (r#""k.json""#.to_owned(), "a table"),
    ] {
        let fault = Machine::new().user(&format!("[networks.base]\nsigner = {signer}\n")).fault();
        let said = all_of(&fault);
        assert!(said.contains(what), "{signer}: {said}");
        assert!(!said.contains("CANARY\"") && !said.contains(key), "{signer}: {said}");
    }
}

#[test]
fn nothing_is_signed_where_a_project_file_changes_the_network() {
    let machine = Machine::new().user(SIGNER).project("[networks.base]\nrpc = \"http://127.0.0.1:1\"\n");
    let config = machine.load().unwrap();
    let fault = config.signer(config.network("base").unwrap()).unwrap_err();
    assert_eq!(fault.kind, Kind::Config);
    assert!(fault.one_line().contains("`rpc` by project config"), "{fault}");
}
