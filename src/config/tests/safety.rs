//! Hostile project files, files that others can change, canaries.

use super::*;

#[test]
fn a_hostile_project_file_is_refused_whatever_it_tries() {
    for (text, why) in [
        ("network = \"base\"", "may not set `network`"),
        ("[networks.base]\nrpc = \"env:AWS_SECRET_ACCESS_KEY\"", "plain http(s) URL"),
        ("[networks.base]\nrpc = \"file:/home/me/.ssh/id_rsa\"", "plain http(s) URL"),
        ("[networks.base]\nrpc = \"credential:eth\"", "plain http(s) URL"),
        ("[networks.base]\nrpc = [\"http://127.0.0.1:8545\", \"env:HOME\"]", "plain http(s) URL"),
        ("[networks.base]\nrpc = \"https://h.example/v3/9aa3d95b3bc440fa88ea12eaa4456161\"", "plain http(s) URL"),
        ("[networks.base]\nrpc = \"https://u:p@h.example/\"", "plain http(s) URL"),
        ("[networks.base]\nrpc = \"http://169.254.169.254/latest/meta-data\"", "plain http(s) URL"),
        ("[networks.base]\nrpc = \"exec:rm -rf /\"", "expected a URL"),
        ("[networks.base]\nsigner = { keystore = \"k\", password = \"env:P\" }", "must not choose what signs"),
        ("[nodes.a]\nurl = \"https://evil.example\"", "must not choose where you log in"),
        ("[networks.base]\nvrf = { fund = [\"sub:7\"] }", "must not choose who is paid for"),
        ("[networks.base]\ndirectory = \"https://evil.example/feeds.json\"", "only to a path"),
        ("[daemon]\nlisten = \"0.0.0.0:80\"", "may not set `daemon`"),
        ("[scripts]\nfolder = \".\"", "must not choose what is run"),
        ("[systemd]\nbus = \"unix:path=/tmp/x\"", "must not choose what is run"),
        ("[users]\nme = 1", "may not set `users`"),
        ("public_url = \"https://evil.example\"", "may not set `public_url`"),
        ("[playbooks.x]\nmode = \"auto\"", "may not set `playbooks`"),
        ("[budgets.x]\nmax = 1000000\nwindow = \"1s\"", "may not set `budgets`"),
        ("store = \"sqlite:/tmp/x\"", "may not set `store`"),
        ("page = 1", "may not set `page`"),
        ("[pagerduty]\ntoken = \"env:P\"\nfrom = \"a@b.example\"", "must not choose who is asked and who is told"),
        ("[networks.ethereum-mainnet]\nexec = \"x\"", "there is no key `exec`"),
        ("[networks.mine]\nchain_id = 5\naliases = [\"mainnet\"]", "already the name of `ethereum-mainnet`"),
    ] {
        let machine = Machine::new().project(text).env("AWS_SECRET_ACCESS_KEY", "https://h/CANARY");
        let fault = machine.fault();
        assert!(fault.one_line().contains(why), "{text}\n-> {fault}");
        assert!(fault.one_line().contains("project/.ira.toml"), "{fault}");
        assert!(fault.hint.is_some() || why == "expected a URL" || why.starts_with("already"), "{fault:?}");
        assert!(!all_of(&fault).contains("CANARY"));
    }
}

#[test]
fn a_project_file_may_set_output_plain_networks_and_paths_and_says_so() {
    let project = "[output]\nwide = true\n[networks.anvil]\nchain_id = 31337\nrpc = \"http://127.0.0.1:8545\"\n\
                   directory = \"data/feeds.json\"\n[networks.base]\nrpc = \"http://127.0.0.1:1\"\n";
    let machine = Machine::new().project(project);
    let config = machine.load().unwrap();
    assert_eq!(config.directory("anvil").unwrap(), &DirectorySource::File(machine.path("project/data/feeds.json")));
    assert_eq!(config.rpc(Some(config.network("anvil").unwrap())).unwrap().warnings, Vec::<String>::new());
    let warnings = config.rpc(Some(config.network("base").unwrap())).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("`rpc` by project config"), "{warnings:?}");
}

#[test]
fn a_project_files_network_does_not_stand_in_for_a_known_one_of_its_chain() {
    let machine = Machine::new()
        .user("[networks.zeta]\nchain_id = 4242\nrpc = \"env:K\"\nquorum = 2")
        .project("[networks.aa]\nchain_id = 1\n[networks.ab]\nchain_id = 4242\n[networks.zeta]\nquorum = 1")
        .env("K", "http://127.0.0.1:1");
    let config = machine.load().unwrap();
    let meant = |id| config.by_trust().into_iter().find(|network| network.chain_id == id).unwrap().name.as_str();
    assert_eq!((meant(1), meant(4242)), ("ethereum-mainnet", "zeta"));
    let warnings = config.rpc(Some(config.network("zeta").unwrap())).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("`quorum` by project config"), "{warnings:?}");
    let mut machine = machine;
    machine.flags.rpc_url = vec!["http://127.0.0.1:1".to_owned()];
    let warnings = machine.load().unwrap().rpc(None).unwrap().warnings;
    assert!(
        warnings.iter().any(|warning| warning.contains("zeta")),
        "said where the endpoint is to name it: {warnings:?}"
    );
}

#[test]
fn a_project_file_that_is_no_file_neither_hangs_nor_loads() {
    let machine = Machine::new();
    std::fs::create_dir(machine.path("project/.ira.toml")).unwrap();
    assert!(machine.fault().message.contains("not a regular file"));
    let machine = Machine::new();
    std::os::unix::fs::symlink("/dev/zero", machine.path("project/.ira.toml")).unwrap();
    assert!(machine.fault().message.contains("not a regular file"));
    let machine = Machine::new().project(&"#".repeat(1024 * 1024 + 1));
    assert!(machine.fault().message.contains("longer than 1 MiB"));
}

#[test]
fn a_world_writable_user_file_is_refused_with_the_mend() {
    let machine = Machine::new().user("network = \"base\"");
    let path = machine.path("home/config.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let fault = machine.fault();
    assert_eq!(fault.hint.unwrap(), format!("chmod o-w {}", path.display()));
}

#[test]
fn no_secret_is_shown_by_show_check_debug_or_any_fault() {
    const KEYED: &str = "https://u:CANARY@h.example/v3/CANARY9aa3d95b3bc440fa88ea?key=CANARY#CANARY";
    let user = format!(
        "[networks.base]\nrpc = [\"{KEYED}\", \"env:K\", \"file:key\"]\ndirectory = \"{KEYED}\"\n[networks.linea]\nrpc = \"env:NONE\"\n"
    );
    let mut machine = Machine::new().user(&user).env("K", KEYED).env("BAD", "CANARY no url").write("home/key", KEYED);
    machine.flags.rpc_url = vec![KEYED.to_owned(), "env:BAD".to_owned()];
    machine = machine.env("IRA_DIRECTORY", KEYED).env("IRA_RPC_URL", KEYED);
    let sources = machine.sources();
    let config = machine.load().unwrap();
    let rpc = config.rpc(Some(config.network("base").unwrap())).unwrap();
    assert_eq!(rpc.urls[0].expose_secret(), KEYED);
    assert!(rpc.warnings.iter().any(|warning| warning.contains("env:NAME")), "{:?}", rpc.warnings);
    let said = format!("{:?}{:?}{:?}{config:?}{rpc:?}", config.show(), show(&config), check(&sources).unwrap());
    assert!(!said.contains("CANARY"), "{}", said.split("CANARY").next().unwrap());
    assert!(said.contains("https://h.example/…") && said.contains("env:K"));

    for wrong in [
        format!("rcp = \"{KEYED}\""),
        format!("[networks.base]\nrcp = \"{KEYED}\""),
        format!("[networks.base]\nrpc = \"{KEYED}"),
        format!("[networks.base]\nrpc = \"{}\"", &KEYED[8..]),
        format!("[networks.base]\nrpc = [\n\"{KEYED}\",\n1]"),
        format!("[networks.base]\nrpc = \"env:{KEYED}\""),
        format!("[networks.base]\nlink = \"{KEYED}\""),
        format!("[networks.base]\nexplorer = \"{KEYED}\""),
        format!("[output]\nformat = \"{KEYED}\""),
        format!("\"{KEYED}\" = 1"),
        format!("[networks.\"{KEYED}\"]\nchain_id = 1"),
        format!("[networks.base]\nrpc = {KEYED}"),
    ] {
        let machine = Machine::new().user(&wrong);
        let fault = machine.fault();
        let said = format!("{}{:?}", all_of(&fault), check(&machine.sources()).unwrap());
        assert!(!said.contains("CANARY"), "{wrong}\n-> {said}");
    }
    for name in ["IRA_RPC_URL", "IRA_DIRECTORY", "IRA_FORMAT", "IRA_CONFIG"] {
        let fault = Machine::new().env(name, "wss://u:CANARY@h/CANARY").load();
        // A path is shown: it is none of the places where a secret goes.
        assert!(name == "IRA_CONFIG" || !all_of(&fault.unwrap_err()).contains("CANARY"), "{name}");
    }
}
