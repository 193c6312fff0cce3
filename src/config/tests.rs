//! The configuration as a whole.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use super::env::FixedEnv;
use super::*;

mod intake;
mod nodes;
mod reports;
mod safety;
mod signer;
mod vrf;

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
fn what_the_engine_may_do_is_read_with_all_its_mistakes_at_once() {
    let text = "store = \"sqlite:/var/lib/ira/ira.db\"\n[budgets.money]\nlink = \"50 LINK\"\nwindow = \"24h\"\n\
                [playbooks.service-down]\nmode = \"auto\"\n\
                [maintenance.night]\nfrom = 2026-12-01T02:00:00Z\nuntil = \"2026-12-01T05:00:00+01:00\"\n";
    let engine = Machine::new().user(text).load().unwrap().engine;
    assert_eq!(engine.budgets["money"].window, 86_400);
    assert_eq!(engine.budgets["money"].link.as_ref().unwrap().to_string(), "50 LINK");
    assert_eq!(engine.playbooks["service-down"].mode, Some(ira_commands::playbook::Mode::Auto));
    let night = &engine.maintenance["night"];
    assert_eq!((night.from, night.until, night.scope.as_str()), (1_796_090_400, 1_796_097_600, "*"));
    let wrong = "store = \"postgres:x\"\n[budgets.a]\nwindow = \"1h\"\n[budgets.b]\nmax = 1\n[budgets.c]\nmaks = 1\n\
                 [playbooks.p]\nmode = \"automatic\"\n[maintenance.m]\nfrom = 2026-12-01\n";
    let said = Machine::new().user(wrong).fault().one_line();
    for part in ["sqlite:", "limits nothing", "has no `window`", "maks", "is one of observe", "with its zone"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
