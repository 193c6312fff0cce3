//! A cache that answers too few lookups, a real one.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::pool::Way;
use super::{Gate, Scene, dry, handed_over, killed, verified};
use crate::data::bed::{Monitor, Redis};
use crate::data::proxy::Pass;
use crate::data::{CANARY, policy};
use crate::host::Person;
use crate::people::api::{Api, json as answer, silence};

/// A cache full of what nobody looks up, a site that fills it if it is of any use, and somebody who looks things up.
struct Cache {
    bed: Redis,
    site: Api,
    /// Whether the answer of the site is held, once.
    mute: Arc<Mutex<bool>>,
    visitors: Child,
    folder: tempfile::TempDir,
    _monitor: Monitor,
    way: Way,
    port: u16,
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _gone = self.visitors.kill();
        let _status = self.visitors.wait();
    }
}

impl Gate for Cache {
    fn is_hit(&self) -> bool {
        self.way.is_hit() || self.site.asked().len() == 1
    }
}

impl Cache {
    fn of(useful: bool) -> Option<Self> {
        let bed = Redis::start()?;
        let (port, mute) = (bed.port, Arc::new(Mutex::new(false)));
        let silent = Arc::clone(&mute);
        let site = Api::start(move |_| {
            if std::mem::take(&mut *silent.lock().expect("whole")) {
                return silence();
            }
            if useful {
                let words = ["-p", &port.to_string(), "SET", "front", "page", "EX", "60"];
                assert!(Command::new("redis-cli").args(words).output().is_ok());
            }
            answer(200, &json!({}))
        });
        let person = Person::new();
        bed.grant(&policy(&person, "redis.delete_stale"), "page:*");
        bed.grant(&policy(&person, "redis.hot_keys").replace(" resetkeys", "").replace(" -@all", ""), "page:*");
        bed.fill("page:", 200);
        std::thread::sleep(Duration::from_millis(2_200));
        let mut command = bed.command(&["-r", "-1", "-i", "0.02", "GET", "front"]);
        let visitors = command.stdout(Stdio::null()).spawn().expect("it starts");
        let folder = tempfile::tempdir().expect("a folder");
        let monitor = bed.monitor(&folder.path().join("monitor"));
        let way = Way::default();
        let port = way.before(bed.port);
        Some(Self { bed, site, mute, visitors, folder, _monitor: monitor, way, port })
    }
}

impl Scene for Cache {
    fn playbook(&self) -> &'static str {
        "cache-degraded"
    }

    fn hurry(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("after: 60s", "after: 1s"),
            ("default: 10s", "default: 1s"),
            ("hold: 5m", "hold: 2s"),
            ("within: 3m", "within: 6s"),
            ("every: 15s", "every: 1s"),
        ]
    }

    fn own(&self) -> String {
        format!(
            "targets = {{ cache = [\"pages\"] }}\nparams = {{ stale = \"page:*\", idle = \"1s\", urls = \"{}/front\" }}",
            self.site.url()
        )
    }

    fn tables(&self) -> String {
        Redis::table(self.port, "ira")
    }

    fn labels(&self) -> Value {
        json!({ "alertname": "CacheHitRatioDegraded", "cache": "pages", "severity": "warning" })
    }

    fn acted(&self) -> bool {
        !self.writes().is_empty()
    }

    /// As the cache itself heard it, and the site was asked.
    fn writes(&self) -> Vec<String> {
        let heard = std::fs::read_to_string(self.folder.path().join("monitor")).unwrap_or_default();
        let is_write = |line: &&str| {
            let said = line.split(']').nth(1).unwrap_or_default().trim_start().to_ascii_uppercase();
            ["\"EVAL", "\"UNLINK", "\"DEL", "\"FLUSH", "\"EXPIRE", "\"CONFIG"].iter().any(|word| said.starts_with(word))
        };
        let removed = heard.lines().filter(|line| !line.contains(" lua]")).filter(is_write).count();
        let mut all = vec!["remove".to_owned(); removed];
        all.extend(vec!["warm".to_owned(); self.site.asked().len()]);
        all
    }

    fn files(&self) -> Vec<(&'static str, String, u32)> {
        vec![("secret", CANARY.to_owned(), 0o600)]
    }
}

#[test]
fn cache_degraded_removes_and_warms_or_hands_over() {
    let (Some(cache), Some(useless)) = (Cache::of(true), Cache::of(false)) else { return };
    dry(&cache);
    verified(&cache);
    assert_eq!((cache.writes(), cache.bed.say(&["KEYS", "page:*"]).as_str()), (vec_of(), ""));
    handed_over(&useless, "did not help");
}

/// A hundred keys at a time, and one page.
fn vec_of() -> Vec<String> {
    ["remove", "remove", "warm"].map(str::to_owned).to_vec()
}

#[test]
fn fault_3_killed_while_keys_go_or_pages_are_asked_nothing_is_removed_twice() {
    for (pass, left) in [(Pass::Swallow, 200), (Pass::OnOnly, 100)] {
        let Some(cache) = Cache::of(true) else { return };
        cache.way.hold("EVAL", pass, 0);
        let (ended, writes) = killed(&cache, &cache.way);
        // What was removed is gone, and whether it was nobody saw: a person is asked.
        assert!(!ended.starts_with("succeeded"), "{ended}");
        assert!(writes.iter().filter(|one| *one == "remove").count() <= 1, "{writes:?}");
        assert_eq!(cache.bed.say(&["EVAL", "return #redis.call('KEYS', 'page:*')", "0"]), left.to_string(), "{ended}");
    }
    // To ask a page twice does no harm: it is asked again.
    let Some(cache) = Cache::of(true) else { return };
    *cache.mute.lock().expect("whole") = true;
    let (ended, writes) = killed(&cache, &cache);
    assert_eq!(
        (ended.as_str(), writes),
        ("succeeded", ["remove", "remove", "warm", "warm"].map(str::to_owned).to_vec())
    );
}
