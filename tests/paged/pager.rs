//! Pagers that do not take a page at once, or at all; nobody to page; a watcher that cannot be started.

use super::provider::on_call;
use super::*;

#[test]
fn I18_fault_19_a_pager_that_is_busy_broken_or_silent_has_the_same_page_until_it_takes_it() {
    let (person, kept) = on_call("");
    // More often than one try asks by itself: the sender comes again after a pause.
    kept.lock().expect("whole").refuse = vec![429, 500, 503, 0];
    let ran = person.remediate();
    assert_eq!(ran.code, 4, "{ran:?}");
    person.watched_to_its_end();
    let events = person.events();
    let triggers: Vec<_> = events.iter().filter(|(verb, _)| verb == "trigger").collect();
    assert_eq!(triggers.len(), 5, "{events:?}");
    assert!(triggers.iter().all(|(_, of)| *of == key(GROUP)), "{events:?}");
    assert_eq!(kept.lock().expect("whole").incidents, [(key(GROUP), "triggered".to_owned())]);
    assert_eq!(person.shown(1)["outbox"][0]["state"], "accepted");
    assert!(!person.record().contains(CANARY), "I22");
}

#[test]
fn fault_19_what_the_pager_does_not_take_is_put_to_the_fallback_and_is_kept_for_the_pager() {
    let hook = Api::start(|_| with(200, &[], b"ok"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hook");
    std::fs::write(&file, format!("{}/T0/B0", hook.url())).expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    let config = format!("fallback = \"slack\"\n[slack]\nwebhook = \"file:{}\"\n", file.display());
    let person = OnCall::with(|_| with(503, &[("retry-after", "0")], b"{}"), &config);
    let ran = person.remediate();
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.json()["warnings"].to_string().contains("the trigger to pagerduty is not taken yet"), "{ran:?}");
    let outbox = person.shown(1)["outbox"].clone();
    let states: Vec<_> = outbox.as_array().expect("rows").iter().map(|row| (&row["channel"], &row["state"])).collect();
    assert_eq!(states, [(&json!("pagerduty"), &json!("pending")), (&json!("slack"), &json!("pending"))], "{outbox}");
    assert!(outbox.as_array().expect("rows").iter().all(|row| row["dedup_key"] == key(GROUP)), "{outbox}");
    assert_eq!(person.watchers().len(), 1, "it goes on with that");
    let ran = person.ira(&["run", "list"]);
    assert!(ran.code == 0 && ran.err.contains("the page of run 1 is overdue at pagerduty"), "{ran:?}");
}

#[test]
fn the_plan_says_who_is_paged_and_also_that_nobody_is() {
    let person = OnCall::new();
    let plan = |person: &OnCall| person.ira(&["remediate", "mend", "--alert", "alert.json", "--dry-run"]);
    let ran = plan(&person);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("pagerduty, 30s after that, by a watcher of its own; at the latest 6s after it began"),
        "{ran:?}"
    );
    assert!(ran.out.contains("no one is paged if this machine dies"), "{ran:?}");
    assert!(person.watchers().is_empty() && person.events().is_empty(), "lesson 40");
    // Nobody is configured: it is said, and a person may go on all the same.
    let config = std::fs::read_to_string(person.path(".config/ira/config.toml")).expect("written");
    let rest = config.find("[scripts]").expect("written");
    person.write(".config/ira/config.toml", &config[rest..], 0o600);
    let ran = plan(&person);
    assert!(ran.out.contains("no one is paged: no pager is configured"), "{ran:?}");
    assert!(ran.err.contains("only you know"), "{ran:?}");
    person.up(true);
    let ran = person.remediate();
    assert_eq!((ran.code, person.effects(), person.watchers().len()), (0, 1, 0), "{ran:?}");
}

#[test]
fn nothing_is_written_where_the_watcher_cannot_be_started() {
    // The last thing that is asked before the first write is the site.
    let broken = Arc::new(std::sync::Mutex::new(None::<PathBuf>));
    let own = Arc::clone(&broken);
    let person = OnCall::new();
    let site = Api::start(move |_| {
        if let Some(path) = own.lock().expect("whole").take() {
            std::fs::write(path, "this is no configuration").expect("written");
        }
        with(503, &[], b"")
    });
    person.playbook_of(&site.url(), "1s", "6s");
    *broken.lock().expect("whole") = Some(person.path(".config/ira/config.toml"));
    let ran = person.remediate();
    assert_eq!((ran.code, person.effects(), person.watchers().len()), (4, 0, 0), "{ran:?}");
    assert!(ran.out.contains("the watcher cannot be started"), "{ran:?}");
    assert_eq!(person.events(), [("trigger".to_owned(), key(GROUP))], "it is handed over all the same");
}

#[test]
fn a_page_that_nobody_acknowledges_goes_to_the_fallback_and_one_that_somebody_does_not() {
    for acknowledged in [false, true] {
        let hook = Api::start(|_| with(200, &[], b"ok"));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("hook");
        std::fs::write(&file, format!("{}/T0/{CANARY}", hook.url())).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("chmod");
        let slack = format!(
            "fallback = \"slack\"\nacknowledged_within = \"3s\"\n[slack]\nwebhook = \"file:{}\"\n",
            file.display()
        );
        let (person, kept) = on_call(&slack);
        assert_eq!(person.remediate().code, 4);
        wait_until("it is paged", || !kept.lock().expect("whole").incidents.is_empty());
        if acknowledged {
            "acknowledged".clone_into(&mut kept.lock().expect("whole").incidents[0].1);
        }
        person.watched_to_its_end();
        assert_eq!(hook.asked().len(), usize::from(!acknowledged), "{:?}", person.shown(1)["outbox"]);
        if !acknowledged {
            let text = hook.asked()[0].json()["text"].as_str().unwrap_or_default().to_owned();
            assert!(text.contains("Down on web-01") && text.contains(&key(GROUP)), "{text}");
        }
        assert!(!person.record().contains(CANARY), "I22");
    }
}

#[test]
fn opsgenie_is_paged_by_its_alias_where_it_is_the_provider() {
    let api = Api::start(|_| answer(202, &json!({ "result": "Request will be processed", "requestId": "r" })));
    let config = format!("provider = \"opsgenie\"\n[opsgenie]\nkey = \"env:KEY\"\nurl = \"{}\"\n", api.url());
    let person = OnCall::with(|_| accepted(), &config);
    let plan = person.ira(&["remediate", "mend", "--alert", "alert.json", "--dry-run"]);
    assert!(plan.err.contains("opsgenie is paged instead"), "{plan:?}");
    assert_eq!(person.remediate().code, 4);
    person.watched_to_its_end();
    let ran = person.ira(&["run", "close", "1", "--as", "failed", "--reason", "by hand", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let sent = api.asked();
    assert_eq!((sent[0].verb(), &sent[0].json()["alias"]), ("POST /v2/alerts".to_owned(), &json!(key(GROUP))));
    assert_eq!(sent[1].verb(), format!("POST /v2/alerts/{}/notes", key(GROUP)));
    assert!(sent.len() == 2 && person.events().is_empty(), "{sent:?}");
    assert!(!person.record().contains(CANARY), "I22");
}

#[test]
fn who_took_a_page_is_asked_of_opsgenie_too() {
    for taken in [false, true] {
        let api = Api::start(move |asked| {
            if asked.method == "GET" {
                let data = json!({ "status": "open", "acknowledged": taken, "isSeen": true });
                return answer(200, &json!({ "data": data, "took": 0.1, "requestId": "r" }));
            }
            answer(202, &json!({ "result": "Request will be processed", "requestId": "r" }))
        });
        let hook = Api::start(|_| with(200, &[], b"ok"));
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("{}/hook", hook.url())).expect("written");
        let config = format!(
            "provider = \"opsgenie\"\nfallback = \"slack\"\nacknowledged_within = \"3s\"\n[opsgenie]\nkey = \"env:KEY\"\n\
             url = \"{}\"\n[slack]\nwebhook = \"file:{}\"\n",
            api.url(),
            file.path().display()
        );
        let person = OnCall::with(|_| accepted(), &config);
        assert_eq!(person.remediate().code, 4);
        person.watched_to_its_end();
        assert_eq!(hook.asked().len(), usize::from(!taken), "{:?}", person.shown(1)["outbox"]);
        let asked = format!("GET /v2/alerts/{}", key(GROUP));
        assert!(api.asked().iter().any(|one| one.verb().starts_with(&asked)), "{:?}", api.asked());
        assert!(!person.record().contains(CANARY), "I22");
    }
}
