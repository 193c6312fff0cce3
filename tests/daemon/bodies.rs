//! What is sent, and what is answered: fault 26, I1, I3.

use super::*;

fn alerts_of(host: &Host, source: &str) -> Vec<InboxRow> {
    host.inbox().into_iter().filter(|row| row.source == source).collect()
}

#[test]
fn fault_26_a_replay_is_one_row_and_a_stranger_learns_nothing() {
    let host = Host::new();
    let daemon = host.start();
    let body = message(&["web"], "firing", 1).to_string();
    let send = |token: Option<&str>, path: &str| post(daemon.port, path, token, body.as_bytes());
    assert_eq!(send(Some(TOKEN), "/alertmanager").0, 200);
    assert_eq!(send(Some(TOKEN), "/alertmanager").0, 200, "a replay");
    let strangers = [
        send(None, "/alertmanager"),
        send(Some("wrong"), "/alertmanager"),
        send(Some(&TOKEN[..TOKEN.len() - 1]), "/alertmanager"),
        send(Some(&format!("{TOKEN}x")), "/alertmanager"),
    ];
    let tail = |said: &str| said.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned();
    assert!(strangers.iter().all(|(code, said)| *code == 401 && tail(said) == tail(&strangers[0].1)), "{strangers:?}");
    assert_eq!(send(Some(TOKEN), "/nobody").0, 404);
    assert_eq!(request(daemon.port, "GET /alertmanager HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n", b"").0, 405);
    let rows = alerts_of(&host, "alertmanager");
    assert_eq!((rows.len(), rows[0].seen), (1, 2), "I3");
    assert!(alerts_of(&host, "ira").is_empty(), "nobody is woken for what a stranger sends");
}

#[test]
fn fault_26_a_body_of_a_known_sender_that_is_refused_wakes_somebody_once() {
    let host = Host::new();
    let daemon = host.start();
    let cases: [(&[u8], u16); 5] = [
        (b"{\"version\":\"4\",\"alerts\":[", 400),
        (b"{}", 400),
        (b"\xff\xfe{}", 400),
        (&[b'['; 5_000], 400),
        (&vec![b' '; (16 << 20) + 1], 413),
    ];
    for (body, wanted) in cases {
        let (code, said) = post(daemon.port, "/alertmanager", Some(TOKEN), body);
        assert_eq!(code, wanted, "{} bytes: {said}", body.len());
    }
    wait_until("it is decided", || host.inbox().len() == 2 && host.all_decided());
    let rows = alerts_of(&host, "ira");
    assert!(rows.iter().all(|row| row.state.starts_with("paged: ")), "{rows:?}");
    assert_eq!(rows.iter().map(|row| row.seen).sum::<u64>(), 5);
    wait_until("somebody is woken", || host.woken().len() == 2);
}

#[test]
fn fault_26_a_slow_body_is_408_and_holds_up_nobody() {
    let host = Host::with("[daemon]\nconnections = 4");
    let daemon = host.start();
    let slow: Vec<_> = (0..3)
        .map(|_| {
            let port = daemon.port;
            std::thread::spawn(move || {
                let head = format!(
                    "POST /alertmanager HTTP/1.1\r\nhost: l\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 900\r\n\r\n{{"
                );
                request(port, &head, b"").0
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    // The last places are taken by who says nothing: the next is told to come again.
    let mut silent = Vec::new();
    wait_until("every place is taken", || {
        // One that comes before the place of the last sender is free is turned away.
        silent.push(TcpStream::connect(("127.0.0.1", daemon.port)).expect("taken"));
        std::thread::sleep(Duration::from_millis(100));
        daemon.post(&message(&["db"], "firing", 1)) == 503
    });
    drop(silent);
    assert!(slow.into_iter().all(|one| one.join().expect("answered") == 408));
    wait_until("there is room again", || daemon.post(&message(&["db"], "firing", 1)) == 200);
}

#[test]
fn what_a_sender_left_out_is_said_aloud() {
    let host = Host::new();
    let daemon = host.start();
    let mut body = message(&["web"], "firing", 1);
    body["truncatedAlerts"] = json!(90);
    assert_eq!(daemon.post(&body), 200);
    wait_until("it is decided", || host.inbox().len() == 2 && host.all_decided());
    let rows = alerts_of(&host, "ira");
    assert!(rows[0].payload.contains("left 90 alerts out"), "{rows:?}");
    wait_until("somebody is woken", || !host.woken().is_empty());
}

#[test]
fn real_bodies_of_alertmanager_are_one_row_an_alert() {
    let host = Host::new();
    let daemon = host.start();
    let units: Vec<String> = (0..300).map(|one| format!("unit-{one}")).collect();
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    assert_eq!(daemon.post(&named("Other", &units, "firing", 1)), 200);
    assert_eq!(host.inbox().len(), 300);
    wait_until("each is decided", || host.all_decided());
    assert!(host.decided().iter().all(|state| state.starts_with("paged: no playbook answers it")), "I2");
    wait_until("somebody is woken", || !host.woken().is_empty());
    assert_eq!(host.woken().len(), 1, "one group, one page");
}

#[test]
fn lesson_39_what_an_alert_says_is_data() {
    let host = Host::new();
    let daemon = host.start();
    let hostile =
        ["$(touch pwned)", "-rf", "a\nb", "a;touch pwned", "\u{202e}gnp", "a\u{0}b", "`touch pwned`", "..", ""];
    for (minute, unit) in hostile.iter().enumerate() {
        assert_eq!(daemon.post(&message(&[unit], "firing", u32::try_from(minute).expect("few"))), 200, "{unit:?}");
    }
    wait_until("each is decided", || host.inbox().len() == hostile.len() && host.all_decided());
    wait_until("the runs end", || host.runs().iter().all(|run| run.state.terminal()));
    let known = |state: &String| state.starts_with("paged: ") || state.starts_with("run ");
    assert!(host.decided().iter().all(known), "{:?}", host.decided());
    assert!(host.decided()[1].contains("begins with `-`") && host.decided()[8].contains("no `alert.labels.unit`"));
    for place in ["pwned", "scripts/pwned", "state/pwned"] {
        assert!(!host.path(place).exists(), "{place}");
    }
}
