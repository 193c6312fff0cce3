//! What goes wrong on the way: no permission, no credential, no server, a connection that breaks, `ira` killed.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::support::bed::free_port;
use crate::support::run::wait_until;

const RESTART: [&str; 3] = ["k8s.rollout_restart", "--workload", "web"];

/// A way to the API on which every answer takes so many milliseconds.
struct Way {
    port: u16,
    delay: Arc<AtomicU64>,
    /// Whether answers are lost, and their connections with them.
    cut: Arc<AtomicBool>,
}

impl Way {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("bound").port();
        let (delay, cut) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (slow, lost) = (Arc::clone(&delay), Arc::clone(&cut));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
                let (client_read, server_read) = (client.try_clone().expect("ours"), server.try_clone().expect("ours"));
                std::thread::spawn(move || pass(client_read, server, &AtomicU64::new(0), &AtomicBool::new(false)));
                let (slow, lost) = (Arc::clone(&slow), Arc::clone(&lost));
                std::thread::spawn(move || pass(server_read, client, &slow, &lost));
            }
        });
        Self { port: own, delay, cut }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: &AtomicU64, cut: &AtomicBool) {
    let mut part = [0; 16_384];
    while let Ok(count) = from.read(&mut part) {
        std::thread::sleep(Duration::from_millis(delay.load(Ordering::Relaxed)));
        if count == 0 || cut.load(Ordering::Relaxed) || to.write_all(&part[..count]).is_err() {
            break;
        }
    }
    // The other side may have closed it first.
    let _ = to.shutdown(Shutdown::Both);
}

fn restarts(cluster: &Cluster) -> i64 {
    cluster.deployment()["metadata"]["generation"].as_i64().expect("a generation")
}

/// The generation of a deployment that was restarted once.
const ONCE: i64 = 2;

/// A restart that the API has carried out, and whose answer is on its way.
fn under_way() -> Option<(Cluster, Way, Person, Running)> {
    let cluster = Cluster::start()?;
    cluster.deploy("web:1", 1);
    cluster.wait_ready(1);
    let way = Way::to(cluster.port());
    let person = Person::new(cluster.kubeconfig_at("admin", &format!("https://127.0.0.1:{}", way.port)));
    way.delay.store(1500, Ordering::Relaxed);
    let running = Running::of(person.command(&RESTART).arg("--yes"));
    wait_until("the API has it", || restarts(&cluster) == ONCE);
    Some((cluster, way, person, running))
}

#[test]
fn fault_5_killed_while_a_write_is_under_way_it_is_found_by_its_mark_and_not_done_again() {
    let Some((cluster, way, person, running)) = under_way() else { return };
    running.kill();
    way.delay.store(0, Ordering::Relaxed);
    assert_eq!(person.ended(), [] as [String; 0], "begun, and no end");
    let again = person.agreed(&RESTART);
    assert!(again.code == 75 && again.out.contains("--resume"), "{again:?}");
    let settled = person.act(&[&RESTART[..], &["--resume", "--json"]].concat());
    assert!(settled.code == 0 && settled.out.contains(r#""status":"done""#), "{settled:?}");
    assert_eq!(person.ended(), ["done"]);
    assert_eq!(restarts(&cluster), ONCE, "once");
}

#[test]
fn a_connection_that_breaks_under_a_write_leaves_it_unknown_until_it_is_looked_at() {
    let Some((cluster, way, person, running)) = under_way() else { return };
    way.cut.store(true, Ordering::Relaxed);
    assert_eq!(running.code(), Some(75));
    way.cut.store(false, Ordering::Relaxed);
    way.delay.store(0, Ordering::Relaxed);
    let settled = person.act(&[&RESTART[..], &["--resume", "--json"]].concat());
    assert_eq!(settled.code, 0, "{settled:?}");
    assert_eq!(restarts(&cluster), ONCE, "once");
}

#[test]
fn who_may_not_is_told_so_and_nothing_is_done() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 1);
    cluster.wait_ready(1);
    let person = Person::new(cluster.kubeconfig("ira"));
    let blind = person.agreed(&RESTART);
    assert!(
        blind.code == 69 && blind.out.contains("does not allow this") && blind.out.contains("deployments"),
        "{blind:?}"
    );
    cluster.allow(&["k8s.rollout_status"]);
    wait_until("the role counts", || person.act(&[&RESTART[..], &["--dry-run"]].concat()).code == 0);
    assert!(cluster.asked().iter().all(|(verb, _)| matches!(verb.as_str(), "get" | "list")), "a dry run only reads");
    let before = restarts(&cluster);
    let refused = person.agreed(&RESTART);
    assert!(refused.code == 69 && refused.out.contains("does not allow this"), "{refused:?}");
    assert_eq!((restarts(&cluster), person.ended()), (before, vec!["failed:none".to_owned()]));

    let stranger = Person::new(cluster.kubeconfig("admin"));
    let text = std::fs::read_to_string(cluster.kubeconfig("admin")).expect("there");
    let path = stranger.home.path().join("expired.json");
    std::fs::write(&path, text.replace("bed-admin", "bed-canary-token")).expect("written");
    let expired = Person { kubeconfig: path.display().to_string(), ..stranger };
    let ran = expired.agreed(&RESTART);
    assert!(ran.code == 69 && ran.out.contains("does not know who asks"), "{ran:?}");
    assert!(!format!("{ran:?}").contains("canary"), "{ran:?}");
}

#[test]
fn without_a_cluster_it_says_how_one_is_named() {
    let person = Person::new("/nowhere/kubeconfig".to_owned());
    let none = person.act(&["k8s.pod_status", "--workload", "web"]);
    assert!(none.code == 78 && none.err.contains("KUBECONFIG"), "{none:?}");
    let file = person.home.path().join("dead.json");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "dead",
        "contexts": [{ "name": "dead", "context": { "cluster": "c", "user": "u" } }],
        "clusters": [{ "name": "c", "cluster": { "server": format!("http://127.0.0.1:{}", free_port()) } }],
        "users": [{ "name": "u", "user": {} }],
    });
    std::fs::write(&file, text.to_string()).expect("written");
    let person = Person { kubeconfig: file.display().to_string(), ..person };
    let dead = person.agreed(&RESTART);
    assert!(dead.code == 69 && dead.out.contains("the API of dead cannot be reached"), "{dead:?}");
    assert_eq!(person.ended(), [] as [String; 0]);
}
