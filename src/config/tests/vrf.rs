//! VRF coordinators are added to those that ship; who is paid for is named strictly.

use ira_commands::ports::Fundable;
use ira_commands::value::{H160, U256};

use super::*;

const A: &str = "0xd7f86b4b8cae7d942340ff628f82735b7a20893a";

#[test]
fn coordinators_are_added_and_the_list_of_who_is_paid_for_is_replaced() {
    let system =
        format!("[networks.mine]\nchain_id = 4242\nvrf = {{ coordinators = [\"{A}\"], fund = [\"sub:1\"] }}\n");
    let user = format!(
        "[networks.mine.vrf]\ncoordinators = [\"{A}\", \"0x0000000000000000000000000000000000000007\"]\n\
         fund = [\"sub:0xff\", \"owner:{A}\", \"consumer:{A}\"]\n"
    );
    let config = Machine::new().system(&system).user(&user).load().unwrap();
    let known = config.network("mine").unwrap().network().vrf;
    let address: H160 = A.parse().unwrap();
    assert_eq!(known.coordinators, [address, H160::from_low_u64_be(7)]);
    let fund = [Fundable::Subscription(U256::from(255)), Fundable::Owner(address), Fundable::Consumer(address)];
    assert_eq!(known.fund, fund);
    let shown = config.show();
    let of = |key: &str| shown.iter().find(|value| value.key == key).unwrap();
    assert_eq!(of("networks.mine.vrf.fund").value[0], "sub:255");
    assert!(of("networks.mine.vrf.fund").origin.to_string().contains("user config"));
    assert!(config.network("polygon-amoy").unwrap().vrf.fund.is_empty(), "nobody is paid for by default");
}

#[test]
fn what_is_no_coordinator_and_nobody_to_pay_for_is_named_with_its_place() {
    for (vrf, what) in [
        (r#"{ fund = ["7"] }"#.to_owned(), "sub:ID, owner:ADDRESS or consumer:ADDRESS"),
        (r#"{ fund = ["sub:seven"] }"#.to_owned(), "a whole number"),
        (r#"{ fund = ["owner:7"] }"#.to_owned(), "an address"),
        (r#"{ fund = ["*"] }"#.to_owned(), "sub:ID"),
        (r"{ fund = [7] }".to_owned(), "a string"),
        (r#"{ coordinators = ["0xd7f86b4b8cae7d942340ff628f82735b7a20893A"] }"#.to_owned(), "checksum"),
        (r"{ coordinator = [] }".to_owned(), "did you mean `coordinators`?"),
        (format!("{{ coordinators = {:?} }}", (1..18).map(|at| format!("0x{at:040x}")).collect::<Vec<_>>()), "than 16"),
    ] {
        let fault = Machine::new().user(&format!("[networks.base]\nvrf = {vrf}\n")).fault();
        let said = all_of(&fault);
        assert!(said.contains(what) && said.contains("config.toml:2"), "{vrf}: {said}");
    }
}

#[test]
fn a_project_file_may_add_a_coordinator_and_says_so() {
    let config = Machine::new()
        .project(&format!("[networks.base.vrf]\ncoordinators = \"{A}\"\n"))
        .env("IRA_RPC_URL", "http://127.0.0.1:1")
        .load()
        .unwrap();
    let warnings = config.rpc(Some(config.network("base").unwrap())).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("`vrf` by project config"), "{warnings:?}");
}
