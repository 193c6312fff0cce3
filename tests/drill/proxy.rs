//! What goes through a proxy waits or goes nowhere, and a page is asked for often: real TCP on loopback.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::people::api::with;
use crate::support::run::wait_until;

/// A site, and how often it was asked.
fn site() -> (Api, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let site = Api::start(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        with(200, &[], b"ok")
    });
    (site, count)
}

/// Drills a fault of a proxy before a site that its playbook asks through it. What is behind a proxy is only well again
/// because the fault was taken back when the playbook began to act.
fn through(fault: &str) {
    let (site, _) = site();
    let listen = free_port();
    let inject = format!(
        "inject = {{ fault = \"{fault}\", target = \"127.0.0.1:{}\", listen = \"127.0.0.1:{listen}\", millis = 1600 }}\n",
        site.port
    );
    let range = Range::mending(&format!("http://127.0.0.1:{listen}/"), "echo done\n", &inject);
    let _daemon = range.daemon();
    let ran = range.run(&["drill", "one", "--yes", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?} {}", range.log());
    assert!(std::net::TcpStream::connect(("127.0.0.1", listen)).is_err(), "the proxy ends with the drill");
    range.assert_quiet();
}

#[test]
fn what_goes_through_the_proxy_waits_until_the_playbook_acts() {
    through("delay");
}

#[test]
fn nothing_goes_through_the_proxy_until_the_playbook_acts() {
    through("cut");
}

#[test]
fn while_it_lasts_the_proxy_breaks_and_afterwards_it_is_gone() {
    let (site, _) = site();
    let listen = free_port();
    let inject = format!(
        "inject = {{ fault = \"delay\", target = \"127.0.0.1:{}\", listen = \"127.0.0.1:{listen}\" }}\nafter = \"30s\"\n",
        site.port
    );
    let range = Range::mending(&site.url(), "echo done\n", &inject);
    let mut drill = range.left(&["drill", "one", "--yes"]);
    // Until the first word of an answer: the site keeps the connection.
    let get = || {
        let began = std::time::Instant::now();
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", listen)).ok()?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: l\r\n\r\n").ok()?;
        let count = stream.read(&mut [0; 64]).ok()?;
        (count > 0).then(|| began.elapsed().as_millis())
    };
    wait_until("the proxy is there", || get().is_some());
    let millis = get().expect("it is there still");
    assert!(millis >= 500, "after {millis} ms");
    drill.kill().expect("killed");
    drill.wait().expect("reaped");
    wait_until("it is gone with the drill", || get().is_none());
}

#[test]
fn a_page_is_asked_for_no_more_often_than_it_may_be() {
    let (site, count) = site();
    let inject = format!("inject = {{ fault = \"load\", target = \"{}\", most = 60, rate = 200 }}\n", site.url());
    let range = Range::mending(&site.url(), "sleep 1\necho done\n", &inject);
    let _daemon = range.daemon();
    let ran = range.run(&["drill", "mend", "--yes", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?} {}", range.log());
    let asked = count.load(Ordering::SeqCst);
    // Besides, it is looked at by the plan, the injector and the playbook.
    assert!((20..=60 + 40).contains(&asked), "{asked}");
    range.assert_quiet();
}
