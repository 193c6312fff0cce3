//! Keys that are not there are looked up in a real Redis; the playbook that ships warms it.

use super::*;
use crate::data::bed::Redis;
use crate::data::policy;

/// Somebody who looks up the front page all the time; ends with the value.
struct Visitors(Child);

impl Drop for Visitors {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

#[test]
fn the_hit_ratio_falls_the_playbook_warms_the_cache_and_it_is_seen_to_hold() {
    let Some(bed) = Redis::start() else { return };
    let hurry = [
        ("hold: 5m", "hold: 5s"),
        ("within: 3m", "within: 20s"),
        ("every: 15s", "every: 2s"),
        ("after: 60s", "after: 2s"),
        ("default: 10s", "default: 1s"),
        ("cooldown: 30m", "cooldown: 1s"),
    ];
    let text = include_str!("../../commands/playbooks/cache-degraded.yaml");
    let text = hurry.iter().fold(text.to_owned(), |text, (slow, fast)| text.replace(slow, fast));
    let site = Api::start(|_| answer(200, &json!({})));
    let own = Redis::table(bed.port, "ira");
    let app = Redis::table(bed.port, "").replace("[redis.pages]", "[redis.pages-app]");
    let range = Range::with(&format!(
        "[budgets.caches]\nmax = 9\nwindow = \"1h\"\n{own}{app}\
         [playbooks.cache-degraded]\ntargets = {{ cache = [\"pages\"] }}\n\
         params = {{ stale = \"page:*\", idle = \"1s\", urls = \"{}/front\" }}\n\
         [drill.cache]\nplaybook = \"cache-degraded\"\nsafe = true\nrung = \"auto\"\nwithin = \"90s\"\nafter = \"2s\"\n\
         labels = {{ alertname = \"CacheHitRatioDegraded\", cache = \"pages\", severity = \"warning\" }}\n\
         inject = {{ fault = \"drop-hit-ratio\", target = \"pages-app\", most = 100000, rate = 400 }}\n",
        site.url()
    ));
    range.person.write(".config/ira/playbooks/cache.yaml", &text, 0o600);
    bed.grant(&policy(&range.person, "redis.delete_stale"), "page:*");
    bed.grant(&policy(&range.person, "redis.hot_keys").replace(" resetkeys", "").replace(" -@all", ""), "page:*");
    bed.say(&["SET", "front", "page"]);
    bed.fill("page:", 20);
    let mut visitor = bed.command(&["-r", "-1", "-i", "0.02", "GET", "front"]);
    let _visitors = Visitors(visitor.stdout(Stdio::null()).spawn().expect("it starts"));
    let _daemon = range.daemon();
    let refused = range.run(&["drill", "cache", "--yes"]);
    assert!(refused.code != 0 && refused.err.contains("SET ira:drill safe"), "{refused:?}");
    bed.say(&["SET", "ira:drill", "safe"]);
    let ran = range.run(&["drill", "cache", "--yes", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?} {}", range.log());
    assert_eq!(bed.say(&["KEYS", "page:*"]), "", "the playbook acted");
    range.assert_quiet();
}
