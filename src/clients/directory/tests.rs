//! The directory client against a server of its own.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Mutex;

use ira_commands::fakes::StoppedClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::config::env::FixedEnv;
use crate::config::{Flags, Places, Sources};

const FEEDS: &str = concat!(
    r#"[{"name": "ETH / USD", "path": "eth-usd", "proxyAddress": "0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419"}]"#,
    "\n \n"
);

const OTHER: &str =
    r#"[{"name": "LINK / USD", "path": "link-usd", "proxyAddress": "0x2c1d072e956affc0d435cb7ac38ef18d24d9127c"}]"#;

/// Answers one connection after the other with the scripted bytes, then with nothing; keeps what it was asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn answering(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                kept.lock().unwrap().push(String::from_utf8(head).unwrap());
                let _closed_early = stream.write_all(&answer).await;
                if answer.is_empty() {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        });
        Self { port, asked }
    }

    fn url(&self) -> String {
        format!("http://u:CANARY@127.0.0.1:{}/feeds-x.json?key=CANARY", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", body.as_bytes())
}

/// A client whose `--directory` is `source`, at a given time.
fn client(cache: &Path, source: &str, now: u64) -> Directory {
    let none = PathBuf::from("/none");
    let places = Places { system: none.clone(), user: None, cache: None, home: None };
    let flags = Flags { directory: Some(source.to_owned()), ..Flags::default() };
    let sources = Sources { env: Arc::new(FixedEnv(BTreeMap::new())), cwd: none, places, flags };
    let config = Arc::new(Config::load(&sources).unwrap());
    let mut client = Directory::new(config, Some(cache), Arc::new(StoppedClock(now)));
    client.timeout = Duration::from_secs(2);
    client
}

async fn ask(client: &Directory) -> Result<DirectoryText, Fault> {
    let network = Network { name: "ethereum-mainnet".to_owned(), ..Network::default() };
    client.directory(&network).await.map(|text| text.expect("one is configured"))
}

#[tokio::test]
async fn a_young_copy_is_used_without_asking_and_an_old_one_is_revalidated() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::answering(vec![
        answer("200 OK\r\netag: \"one\"", FEEDS.as_bytes()),
        answer("304 Not Modified", b""),
        ok(OTHER),
    ])
    .await;
    let first = ask(&client(cache.path(), &server.url(), 10_000)).await.unwrap();
    assert_eq!((first.text.as_str(), first.age_seconds, first.warning), (FEEDS, None, None));
    assert_eq!(first.source, format!("http://127.0.0.1:{}/feeds-x.json", server.port));

    let second = ask(&client(cache.path(), &server.url(), 13_599)).await.unwrap();
    assert_eq!((second.text.as_str(), second.age_seconds, second.warning), (FEEDS, Some(3_599), None));
    assert_eq!(server.asked().len(), 1);

    let third = ask(&client(cache.path(), &server.url(), 13_600)).await.unwrap();
    assert_eq!((third.text.as_str(), third.age_seconds), (FEEDS, Some(0)));
    assert!(server.asked()[1].contains("if-none-match: \"one\""), "{:?}", server.asked());

    let later = ask(&client(cache.path(), &server.url(), 17_000)).await.unwrap();
    assert_eq!(later.age_seconds, Some(3_400), "the 304 made it young again");
    let last = ask(&client(cache.path(), &server.url(), 20_000)).await.unwrap();
    assert_eq!((last.text.as_str(), last.age_seconds), (OTHER, None));
}

#[tokio::test]
async fn the_copy_is_private_whole_and_named_without_the_url() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::answering(vec![ok(FEEDS)]).await;
    ask(&client(cache.path(), &server.url(), 10_000)).await.unwrap();
    let folder = cache.path().join("directory");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!std::fs::read_to_string(entry.path()).unwrap().contains("CANARY"));
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    let (stem, end) = names[0].rsplit_once('.').unwrap();
    assert!(names.len() == 2 && stem.starts_with("ethereum-mainnet-") && end == "json", "{names:?}");
    assert_eq!(std::fs::read_to_string(folder.join(&names[0])).unwrap(), FEEDS);
}

#[tokio::test]
async fn whatever_goes_wrong_the_good_copy_stays_and_its_age_is_said() {
    let cache = tempfile::tempdir().unwrap();
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n[{\"name\"".to_vec();
    let wrong = [
        (ok("<!doctype html><p>Sign in"), "web page"),
        (ok("[{\"name\": \"ETH"), "breaks off"),
        (ok("{\"error\": 1}"), "not a list"),
        (ok("[]"), "empty"),
        (ok("[1, {\"path\": \"eth-usd\"}]"), "no entry"),
        (cut, "broke off"),
        (answer("200 OK\r\ncontent-encoding: gzip", b"no gzip"), "gzip"),
        (answer("200 OK", b"[\"\xff\"]"), "UTF-8"),
        (answer("500 Oops", b""), "HTTP 500"),
        (answer("429 Slow down", b""), "HTTP 429"),
        (answer("401 No", b""), "HTTP 401"),
        (answer("404 None", b""), "HTTP 404"),
        (answer("302 Found\r\nlocation: https://CANARY.example/?CANARY", b""), "elsewhere"),
        (answer("302 Found\r\nlocation: http://127.0.0.1:1/CANARY", b""), "elsewhere"),
        (Vec::new(), "does not answer in time"),
    ];
    let mut answers = vec![ok(FEEDS)];
    answers.extend(wrong.iter().map(|(answer, _)| answer.clone()));
    let server = Server::answering(answers).await;
    ask(&client(cache.path(), &server.url(), 10_000)).await.unwrap();
    for (_, why) in &wrong {
        let again = ask(&client(cache.path(), &server.url(), 20_000)).await.unwrap();
        let warning = again.warning.unwrap();
        assert_eq!((again.text.as_str(), again.age_seconds), (FEEDS, Some(10_000)), "{warning}");
        assert!(warning.contains(why) && warning.contains("fetched 2 h 46 min ago"), "{why}: {warning}");
        assert!(!warning.contains("CANARY"), "{warning}");
    }
}

#[tokio::test]
async fn without_a_copy_it_is_a_fault_with_the_way_out_and_no_key() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::answering(vec![ok("<html>CANARY"), answer("403 No", b"CANARY")]).await;
    for kind in [Kind::BadAnswer, Kind::Denied] {
        let fault = ask(&client(cache.path(), &server.url(), 10_000)).await.unwrap_err();
        assert_eq!(fault.kind, kind);
        assert!(fault.hint.as_ref().unwrap().contains("--directory FILE") && !format!("{fault:?}").contains("CANARY"));
    }
    for scheme in ["http", "https"] {
        let gone = format!("{scheme}://u:CANARY@127.0.0.1:1/feeds.json?key=CANARY");
        let fault = ask(&client(cache.path(), &gone, 10_000)).await.unwrap_err();
        assert_eq!(fault.kind, Kind::Unreachable, "{fault}");
        assert!(fault.message.contains(&format!("{scheme}://127.0.0.1:1/feeds.json")), "{fault}");
        assert!(!format!("{fault:?}").contains("CANARY"), "{fault:?}");
    }
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0, "nothing is kept of a failure");
}

#[tokio::test]
async fn a_redirect_on_the_same_server_is_followed() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::answering(vec![answer("301 Moved\r\nlocation: /new.json", b""), ok(FEEDS)]).await;
    assert_eq!(ask(&client(cache.path(), &server.url(), 1)).await.unwrap().text, FEEDS);
    assert!(server.asked()[1].starts_with("GET /new.json "));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::answering(vec![ok(&"[".repeat(3_000))]).await;
    let mut client = client(cache.path(), &server.url(), 1);
    client.most_bytes = 2_000;
    assert_eq!(ask(&client).await.unwrap_err().kind, Kind::TooLarge);
}

#[tokio::test]
async fn a_spoiled_copy_or_label_and_one_from_the_future_count_as_none_or_old() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::answering(vec![ok(FEEDS), ok(FEEDS), ok(OTHER), ok(FEEDS)]).await;
    let url = server.url();
    ask(&client(cache.path(), &url, 10_000)).await.unwrap();
    let mut copies = std::fs::read_dir(cache.path().join("directory")).unwrap().map(|entry| entry.unwrap().path());
    let copy = copies.find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    std::fs::write(&copy, "<html>").unwrap();
    assert!(client(cache.path(), &url, 10_000).cached_only("ethereum-mainnet").is_none());
    assert_eq!(ask(&client(cache.path(), &url, 10_000)).await.unwrap().text, FEEDS);
    assert_eq!(ask(&client(cache.path(), &url, 9_000)).await.unwrap().text, OTHER);
    std::fs::write(copy.with_extension("label"), "{").unwrap();
    assert_eq!(ask(&client(cache.path(), &url, 9_000)).await.unwrap().text, FEEDS);
}

#[tokio::test]
async fn completion_takes_a_copy_of_any_age_and_never_asks() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::answering(vec![ok(FEEDS)]).await;
    assert!(client(cache.path(), &server.url(), 10_000).cached_only("ethereum-mainnet").is_none());
    ask(&client(cache.path(), &server.url(), 10_000)).await.unwrap();
    let kept = client(cache.path(), &server.url(), 9_999_999).cached_only("ethereum-mainnet").unwrap();
    assert_eq!((kept.text.as_str(), kept.age_seconds), (FEEDS, Some(9_989_999)));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_file_is_read_as_it_is_and_its_errors_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feeds.json");
    std::fs::write(&path, FEEDS).unwrap();
    let shown = path.display().to_string();
    let text = ask(&client(folder.path(), &shown, 1)).await.unwrap();
    assert_eq!((text.text.as_str(), text.source, text.age_seconds), (FEEDS, shown.clone(), None));
    assert_eq!(client(folder.path(), &shown, 1).cached_only("x").unwrap().text, FEEDS);

    let missing = folder.path().join("none.json").display().to_string();
    let fault = ask(&client(folder.path(), &missing, 1)).await.unwrap_err();
    assert!(fault.kind == Kind::Missing && fault.message.contains(&missing));
    let fault = ask(&client(folder.path(), &folder.path().display().to_string(), 1)).await.unwrap_err();
    assert!(fault.one_line().contains("not a regular file"));
    std::fs::write(&path, b"\xff").unwrap();
    assert_eq!(ask(&client(folder.path(), &shown, 1)).await.unwrap_err().kind, Kind::BadAnswer);
    let mut small = client(folder.path(), &shown, 1);
    small.most_bytes = 0;
    assert_eq!(ask(&small).await.unwrap_err().kind, Kind::TooLarge);
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_costs_only_the_next_fetch() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let server = Server::answering(vec![ok(FEEDS)]).await;
    assert_eq!(ask(&client(&file, &server.url(), 1)).await.unwrap().text, FEEDS);
}
