//! The configuration as a whole: precedence, places of errors, hostile project files, canaries.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use super::env::FixedEnv;
use super::*;

/// A machine of its own: a home with a user file, a system file, a project.
struct Machine {
    root: tempfile::TempDir,
    env: FixedEnv,
    flags: Flags,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("project/deep/.git")).unwrap();
        Self { root, env: FixedEnv::default(), flags: Flags::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    fn system(self, text: &str) -> Self {
        self.write("etc/config.toml", text)
    }

    fn user(self, text: &str) -> Self {
        self.write("home/config.toml", text)
    }

    fn project(self, text: &str) -> Self {
        self.write("project/.ira.toml", text)
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.0.insert(name.to_owned(), value.to_owned());
        self
    }

    fn sources(&self) -> Sources {
        Sources {
            env: Arc::new(self.env.clone()),
            cwd: self.path("project"),
            places: Places {
                system: self.path("etc/config.toml"),
                user: Some(self.path("home/config.toml")),
                cache: None,
                home: None,
            },
            flags: self.flags.clone(),
        }
    }

    fn load(&self) -> Result<Config, Fault> {
        Config::load(&self.sources())
    }

    fn fault(&self) -> Fault {
        self.load().expect_err("it must be refused")
    }
}

fn all_of(fault: &Fault) -> String {
    format!("{fault} {fault:?}")
}

#[test]
fn each_layer_wins_over_the_weaker_ones() {
    let mut machine = Machine::new();
    let network = |name: &str| format!("network = \"{name}\"\n[output]\nformat = \"markdown\"\nwide = true\n");
    assert_eq!(machine.load().unwrap().origin("network"), Origin::Default);

    machine = machine.system(&network("base"));
    let config = machine.load().unwrap();
    assert_eq!((config.network.as_deref(), config.output.format), (Some("base"), Format::Markdown));
    assert!(config.origin("network").to_string().starts_with("system config /"), "{}", config.origin("network"));

    machine = machine.user("network = \"linea\"\n\n[output]\nformat = \"json\"\n");
    let config = machine.load().unwrap();
    assert_eq!(
        (config.network.as_deref(), config.output.format, config.output.wide),
        (Some("linea"), Format::Json, true)
    );
    let origin = config.origin("output.format").to_string();
    assert!(origin.starts_with("user config /") && origin.ends_with("home/config.toml:4"), "{origin}");

    machine = machine.project("output.format = \"table\"\noutput.color = \"always\"");
    let config = machine.load().unwrap();
    assert_eq!((config.network.as_deref(), config.output.format), (Some("linea"), Format::Table));
    assert!(config.origin("output.format").to_string().ends_with(".ira.toml:1"));

    machine = machine.env("IRA_FORMAT", "markdown").env("IRA_NETWORK", "celo").env("NO_COLOR", "1");
    let config = machine.load().unwrap();
    assert_eq!((config.network.as_deref(), config.output.format), (Some("celo"), Format::Markdown));
    assert_eq!(config.origin("network"), Origin::Environment("IRA_NETWORK"));
    assert_eq!(config.output.color, ColorChoice::Never);
    assert_eq!(config.origin("output.color"), Origin::Environment("NO_COLOR"));
    assert_eq!(machine.env("IRA_COLOR", "auto").load().unwrap().output.color, ColorChoice::Auto);

    let mut machine = Machine::new().env("IRA_FORMAT", "markdown").env("IRA_NETWORK", "celo");
    machine.flags = Flags { network: Some("scroll".into()), format: Some(Format::Json), ..Flags::default() };
    let config = machine.load().unwrap();
    assert_eq!((config.network.as_deref(), config.output.format), (Some("scroll"), Format::Json));
    assert_eq!(config.origin("network"), Origin::Flag("--network"));
}

#[test]
fn a_named_file_replaces_the_users_and_must_exist() {
    let mut machine = Machine::new().user("network = \"linea\"").write("other.toml", "output.wide = true");
    machine.flags.config = Some("../other.toml".into());
    let config = machine.load().unwrap();
    assert_eq!((config.network.as_deref(), config.output.wide), (None, true));
    assert!(config.origin("output.wide").to_string().starts_with("config file /"));
    machine.flags.config = None;
    let fault = machine.env("IRA_CONFIG", "/none/such.toml").fault();
    assert!(fault.message.contains("/none/such.toml") && fault.kind == Kind::Config);
}

#[test]
fn endpoints_and_directories_by_flag_win_over_environment_and_networks() {
    let user = "[networks.mainnet]\nrpc = \"http://127.0.0.1:1\"\ndirectory = \"feeds.json\"\n";
    let mut machine = Machine::new().user(user);
    let first = |machine: &Machine| {
        let config = machine.load().unwrap();
        let network = config.network("eth").unwrap();
        let directory = config.directory(&network.name).unwrap().to_string();
        (config.rpc(Some(network)).unwrap().urls[0].expose_secret().to_owned(), directory)
    };
    let home = machine.path("home/feeds.json").display().to_string();
    assert_eq!(first(&machine), ("http://127.0.0.1:1".to_owned(), home));
    machine = machine
        .env("IRA_RPC_URL", "http://127.0.0.1:2,env:X")
        .env("X", "http://127.0.0.1:3\n")
        .env("IRA_DIRECTORY", "/d");
    assert_eq!(first(&machine), ("http://127.0.0.1:2".to_owned(), "/d".to_owned()));
    let config = machine.load().unwrap();
    assert_eq!(config.rpc(None).unwrap().urls[1].expose_secret(), "http://127.0.0.1:3");
    machine.flags.rpc_url = vec!["http://127.0.0.1:4".into()];
    machine.flags.directory = Some("https://h.example/feeds.json?k=v".into());
    assert_eq!(first(&machine), ("http://127.0.0.1:4".to_owned(), "https://h.example/feeds.json".to_owned()));
}

#[test]
fn an_unknown_key_has_its_place_and_the_nearest_word() {
    let machine = Machine::new().user("# mine\n[output]\n  fromat = \"json\"\n");
    let fault = machine.fault();
    assert_eq!(fault.kind, Kind::Config);
    assert!(fault.message.ends_with("home/config.toml:3:3: there is no key `fromat` in [output]"), "{}", fault.message);
    assert_eq!(fault.causes, ["line 3: fromat = …"]);
    assert_eq!(fault.hint.as_deref(), Some("did you mean `format`?"));
}

#[test]
fn every_kind_of_wrong_value_names_its_place_and_what_is_taken() {
    for (text, place, words) in [
        ("outptu = 1", ":1:1", "did you mean `output`"),
        ("output = 1", ":1:10", "a table, and this is an integer"),
        ("[output]\nwide = \"yes\"", ":2:8", "true or false, and this is a string"),
        ("[output]\nformat = \"jsno\"", ":2:10", "did you mean `json`"),
        ("[networks.base]\nchain_id = \"1\"", ":2:12", "an integer, and this is a string"),
        ("[networks.base]\nchain_id = 0", ":2:12", "between 1 and"),
        ("[networks.base]\nlink = \"0x12\"", ":2:8", "40 hex digits"),
        ("[networks.base]\nlink = \"0x88fb150BDc53A65fe94Dea0c9BA0a6dAf8C6e196\"", ":2:8", "wrong checksum"),
        ("[networks.base]\nblock_time_seconds = -1", ":2:22", "between 0.001"),
        ("[networks.base]\nrpc = [1]", ":2:8", "a string, and this is an integer"),
        ("[networks.base]\nrpc = []", ":2:7", "names no endpoint"),
        ("[networks.base]\nrpc = \"exec:vault\"", ":2:7", "env:NAME"),
        ("[networks.base]\naliases = [\"eth\"]", ":2:12", "already the name of `ethereum-mainnet`"),
        ("[networks.base]\nexplorer = \"ftp://h\"", ":2:12", "http"),
        ("[networks.base]\ndirectory = \"http://h.example/\"", ":2:13", "https://"),
        ("[networks.base]\nnative = \"<script>\"", ":2:10", "symbol"),
        ("[networks.base]\nquorum = 0", ":2:10", "between 1 and 100"),
        ("[networks.\"a b/c\"]\nchain_id = 1", ":1:11", "name"),
        ("[networks.etherem-mainnet]\nrpc = \"env:A\"", ":1:11", "did you mean `ethereum-mainnet`"),
        ("[networks.base]\n[networks.base-1]", ":2:11", "by another name"),
        ("x = = 1", ":1:5", "not TOML"),
    ] {
        let fault = Machine::new().user(text).fault();
        let said = format!("{} {}", fault.one_line(), fault.hint.clone().unwrap_or_default());
        assert!(said.contains(&format!("config.toml{place}: ")) && said.contains(words), "{text}\n-> {said}");
    }
}

#[test]
fn all_errors_of_all_files_are_said_at_once() {
    let fault = Machine::new().system("a = 1\nb = 2").user("[output]\nwide = 1").fault();
    assert_eq!(fault.message, "the configuration has 3 errors");
    assert_eq!(fault.causes.len(), 3);
    assert!(fault.causes[2].contains("config.toml:2:8"), "{:?}", fault.causes);
}

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
        ("[networks.base]\ndirectory = \"https://evil.example/feeds.json\"", "only to a path"),
        ("[daemon]\nlisten = \"0.0.0.0:80\"", "there is no key `daemon`"),
        ("[users]\nme = 1", "there is no key `users`"),
        ("[playbooks]\nx = 1", "there is no key `playbooks`"),
        ("page = 1", "there is no key `page`"),
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
fn a_network_is_found_by_the_names_that_alerts_and_people_use() {
    let config = Machine::new().load().unwrap();
    for (name, chain_id) in [
        ("ethereum-mainnet", 1),
        ("Ethereum_Mainnet", 1),
        ("mainnet", 1),
        ("matic-mainnet", 137),
        ("polygon", 137),
        ("bsc-mainnet", 56),
        ("binance_smart_chain-mainnet", 56),
        ("xdai-mainnet", 100),
        ("ethereum-mainnet-arbitrum-1", 42161),
        ("ethereum-mainnet-optimism-1", 10),
        ("ethereum-mainnet-base-1", 8453),
        ("ethereum-testnet-sepolia", 11_155_111),
        ("avalanche-fuji-testnet", 43113),
        ("polkadot-mainnet-moonbeam", 1284),
    ] {
        assert_eq!(config.network(name).unwrap().chain_id, chain_id, "{name}");
    }
    let fault = config.network("etherum-mainnet").unwrap_err();
    assert!(fault.kind == Kind::Usage && fault.hint.unwrap().contains("`ethereum-mainnet`"));
    assert!(config.network("zz\u{1b}[31m").unwrap_err().message.contains("`zz[31m`"));
    assert_eq!(config.network_of_chain(137).unwrap().name, "polygon-mainnet");
    assert!(config.network_of_chain(31337).is_none());
}

#[test]
fn a_user_extends_a_network_that_ships_by_any_of_its_names() {
    let config =
        Machine::new().user("[networks.mainnet]\nrpc = \"env:R\"\naliases = [\"prod\"]\nquorum = 2").load().unwrap();
    let network = config.network("prod").unwrap();
    assert_eq!((network.name.as_str(), network.chain_id, network.quorum), ("ethereum-mainnet", 1, 2));
    assert!(config.network("eth-mainnet").is_ok() && network.link.is_some());
}

#[test]
fn what_ships_is_right_in_itself() {
    // `apply` refuses a wrong checksum, a name used twice and a missing chain id.
    let mut config = Config::built_in(Arc::new(FixedEnv::default()));
    config.networks.clear();
    let file = ConfigFile { layer: Layer::BuiltIn, path: "networks.toml".into() };
    assert_eq!(file::apply(&mut config, &file, network::BUILT_IN), []);
    let mut chains: Vec<u64> = config.networks.values().map(|network| network.chain_id).collect();
    chains.sort_unstable();
    let count = chains.len();
    chains.dedup();
    assert!(chains.len() == count && count >= 21);
    let mut names: Vec<&str> = config.names().collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "an alias stands twice");
    for network in config.networks.values() {
        assert!(network.rpc.is_empty() && network.directory.is_some(), "{}", network.name);
        let short = network.name.split('-').next().unwrap();
        assert!(config.network(short).is_ok(), "{short}");
    }
    for address in network::BUILT_IN.split('"').filter(|text| text.starts_with("0x")) {
        assert!(address.chars().any(|c| c.is_ascii_uppercase()), "{address} has no checksum to check");
    }
    let canonical = ira_commands::units::address(config.network("mainnet").unwrap().multicall3);
    assert_eq!(canonical, "0xcA11bde05977b3631167028862bE2a173976CA11");
    assert_eq!(keys::NETWORK.iter().find(|key| key.name == "multicall3").unwrap().default, canonical);
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

#[test]
fn one_endpoint_that_cannot_be_resolved_does_not_take_the_others_with_it() {
    let machine = Machine::new()
        .user("[networks.base]\nrpc = [\"env:NONE\", \"http://127.0.0.1:1\"]\n[networks.celo]\nrpc = \"env:NONE\"");
    let config = machine.load().unwrap();
    let rpc = config.rpc(Some(config.network("base").unwrap())).unwrap();
    assert!(rpc.urls.len() == 1 && rpc.warnings[0].contains("NONE"), "{rpc:?}");
    let fault = config.rpc(Some(config.network("celo").unwrap())).unwrap_err();
    assert!(fault.message.contains("NONE") && fault.one_line().contains("config.toml:4"), "{fault}");
    let fault = config.rpc(Some(config.network("linea").unwrap())).unwrap_err();
    assert!(fault.hint.unwrap().contains("networks.linea-mainnet.rpc"));
}

#[test]
fn check_lists_every_finding_and_a_missing_secret_is_only_a_warning() {
    let report = check(&Machine::new().user("[networks.base]\nrpc = \"env:NONE\"").sources()).unwrap();
    assert_eq!(report.outcome, ira_commands::report::Outcome::Well);
    assert!(report.data.to_string().contains("NONE is not set"), "{}", report.data);
    let bad = Machine::new().system("x = 1").user("[output]\nwide = 1").env("IRA_FORMAT", "pdf");
    let report = check(&bad.sources()).unwrap();
    assert_eq!(report.outcome, ira_commands::report::Outcome::Problem);
    assert_eq!(report.sections[0].headline, "The configuration cannot be used: 3 errors in 2 files.");
    let open = Machine::new().user("[networks.base]\nrpc = \"file:key\"").write("home/key", "https://h/");
    std::fs::set_permissions(open.path("home/key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let report = check(&open.sources()).unwrap();
    assert!(report.data.to_string().contains("chmod 600"), "{}", report.data);
    assert_eq!(report.outcome, ira_commands::report::Outcome::Problem);
    let report = check(&Machine::new().user("network = \"basee\"").sources()).unwrap();
    assert!(report.data.to_string().contains("did you mean `base`"), "{}", report.data);
}

#[test]
fn show_has_every_value_with_its_origin() {
    let config = Machine::new().user("[networks.base]\nrpc = \"env:R\"").load().unwrap();
    let shown = config.show();
    let of = |key: &str| shown.iter().find(|value| value.key == key).unwrap();
    assert_eq!(of("output.format").value, "table");
    assert_eq!(of("networks.base-mainnet.rpc").value, serde_json::json!(["env:R"]));
    assert!(of("networks.base-mainnet.rpc").origin.to_string().ends_with("config.toml:2"));
    assert_eq!(of("networks.base-mainnet.chain_id").origin, Origin::Default);
    assert_eq!(of("network").value, serde_json::Value::Null);
    let report = show(&config);
    assert!(report.data["values"].as_array().unwrap().len() == shown.len());
    assert!(report.sections[0].tables[0].rows.len() == 6, "what ships is folded away");
}

#[test]
fn the_help_names_every_key_default_and_variable() {
    let help = include_str!("../help/config.md");
    for (table, keys) in [("", keys::TOP), ("[output]", keys::OUTPUT), ("[networks.", keys::NETWORK)] {
        assert!(help.contains(table));
        for key in keys {
            assert!(help.contains(&format!("`{}`", key.name)), "{} is not in config.md", key.name);
            assert!(help.contains(key.default), "the default of {} is not in config.md", key.name);
        }
    }
    for variable in env::VARIABLES {
        assert!(help.contains(&format!("`{}`", variable.name)), "{} is not in config.md", variable.name);
    }
    for text in [help, include_str!("../help/networks.md")] {
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "longer than 80 columns: {line}");
        }
    }
    // The documented examples are a configuration.
    for example in help.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        Machine::new().user(example).load().unwrap_or_else(|fault| panic!("{fault}\n{example}"));
    }
    assert!(Path::new("/etc/ira/config.toml").is_absolute() && help.contains("/etc/ira/config.toml"));
}
