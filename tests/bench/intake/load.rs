//! The load: connections that are kept, each with one request under way, each body one that was never seen before.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Where a body has the number of the request.
const MARK: &str = "00000000000";
/// Where it has a hash of it, as Alertmanager's fingerprints are.
const PRINT: &str = "@@@@@@@@@@@@@";

/// What is sent: a head and a body in which every mark is a number of its own.
#[derive(Clone)]
pub struct Shot {
    bytes: Vec<u8>,
    marks: Vec<usize>,
    prints: Vec<usize>,
}

impl Shot {
    /// A body as Alertmanager sends it, with so many alerts, to `path`, behind `token`.
    pub fn new(path: &str, token: &str, alerts: usize, name: &str, severity: &str) -> Self {
        let labels = |index: usize| {
            format!(
                "{{\"alertname\":\"{name}\",\"cluster\":\"prod\",\"instance\":\"web-{MARK}-{index}:9100\",\
                 \"job\":\"node\",\"severity\":\"{severity}\",\"unit\":\"u{MARK}-{index}\"}}"
            )
        };
        let one = |index: usize| {
            format!(
                "{{\"status\":\"firing\",\"labels\":{},\"annotations\":{{\"description\":\"web-{MARK} of job node has been \
                 down for more than 5 minutes.\",\"runbook_url\":\"https://runbooks.example.com/InstanceDown\",\
                 \"summary\":\"Instance web-{MARK}:9100 down\"}},\"startsAt\":\"2026-11-21T04:02:24.{MARK}Z\",\
                 \"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\"http://prometheus:9090/graph?g0.expr=up+%3D%3D+0\",\
                 \"fingerprint\":\"{PRINT}{index:03}\"}}",
                labels(index)
            )
        };
        let all: Vec<String> = (0..alerts).map(one).collect();
        let tail = format!(
            "],\"groupLabels\":{{\"alertname\":\"{name}\"}},\"commonLabels\":{{\"alertname\":\"{name}\",\"cluster\":\"prod\"}},\
             \"commonAnnotations\":{{\"note\":\"@PAD\"}},\"externalURL\":\"http://alertmanager:9093\",\"version\":\"4\",\
             \"groupKey\":\"{{}}:{{alertname=\\\"{name}\\\", n=\\\"{MARK}\\\"}}\",\"truncatedAlerts\":0}}"
        );
        let body = format!("{{\"receiver\":\"ira\",\"status\":\"firing\",\"alerts\":[{}{tail}", all.join(","));
        // Two kilobytes, as the real ones.
        let body = body.replace("@PAD", &"x".repeat(1_979_usize.saturating_sub(body.len() - 4)));
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: l\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let text = head + &body;
        let found = |mark: &str| text.match_indices(mark).map(|(at, _)| at).collect();
        let (marks, prints) = (found(MARK), found(PRINT));
        Self { bytes: text.into_bytes(), marks, prints }
    }

    /// The same with this number.
    fn number(&mut self, number: u64) {
        let digits = format!("{number:011}");
        for at in &self.marks {
            self.bytes[*at..*at + MARK.len()].copy_from_slice(digits.as_bytes());
        }
        // The steps of a congruence do not repeat, and are in no order.
        let hash = format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for at in &self.prints {
            self.bytes[*at..*at + PRINT.len()].copy_from_slice(&hash.as_bytes()[..PRINT.len()]);
        }
    }
}

/// What a cause that takes so many hosts down brings in one message: each host fires anew.
pub fn storm(token: &str, hosts: std::ops::Range<u32>, round: u64) -> Vec<u8> {
    let one = |host: u32| {
        format!(
            "{{\"status\":\"firing\",\"labels\":{{\"alertname\":\"SwitchDown\",\"host\":\"host-{host:04}\",\
             \"severity\":\"critical\"}},\"annotations\":{{\"summary\":\"host-{host:04} is not reached\"}},\
             \"startsAt\":\"2026-11-21T04:{:02}:{:02}.{:03}Z\",\"fingerprint\":\"{:016x}\"}}",
            round / 60_000 % 60,
            round / 1000 % 60,
            round % 1000,
            u64::from(host).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        )
    };
    let first = hosts.start;
    let alerts: Vec<String> = hosts.map(one).collect();
    let body = format!(
        "{{\"version\":\"4\",\"status\":\"firing\",\"receiver\":\"ira\",\"truncatedAlerts\":0,\
         \"groupKey\":\"{{}}:{{rack=\\\"{first}\\\"}}\",\"alerts\":[{}]}}",
        alerts.join(",")
    );
    let head = format!(
        "POST /alertmanager HTTP/1.1\r\nhost: l\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// Sends whole requests at a steady pace over a few connections; how many were answered with 200, and how many not.
pub fn paced(at: SocketAddr, every: Duration, requests: impl Iterator<Item = Vec<u8>>) -> (u64, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let begun = Instant::now();
        let mut streams = Vec::new();
        let (mut taken, mut other) = (0, 0);
        for (sent, request) in (0_u32..).zip(requests) {
            tokio::time::sleep_until((begun + every * sent).into()).await;
            let idle = streams.iter().position(tokio::task::JoinHandle::is_finished);
            let stream = match idle {
                Some(at) => {
                    let (stream, status) = streams.swap_remove(at).await.expect("answered");
                    if status == 200 {
                        taken += 1;
                    } else {
                        other += 1;
                    }
                    stream
                }
                None => tokio::net::TcpStream::connect(at).await.expect("it listens"),
            };
            streams.push(tokio::spawn(async move {
                let mut stream = stream;
                if let Some(status) = asked(&mut stream, &request).await {
                    return (stream, status);
                }
                // It was idle for so long that the server closed it.
                stream = tokio::net::TcpStream::connect(at).await.expect("it listens");
                let status = asked(&mut stream, &request).await.expect("an answer");
                (stream, status)
            }));
        }
        for one in streams {
            if one.await.expect("answered").1 == 200 { taken += 1 } else { other += 1 }
        }
        (taken, other)
    })
}

/// What came of a load.
#[derive(Default)]
pub struct Seen {
    /// How many were answered with 200.
    pub taken: u64,
    /// How many were answered otherwise.
    pub other: u64,
    /// How long each answer took, microseconds, shortest first.
    pub times: Vec<u32>,
    /// How long all of it took.
    pub length: Duration,
}

impl Seen {
    /// Milliseconds within which this share was answered.
    pub fn within(&self, share: f64) -> f64 {
        let at = ((self.times.len() as f64 * share) as usize).min(self.times.len().saturating_sub(1));
        self.times.get(at).copied().map_or(f64::NAN, |micros| f64::from(micros) / 1000.0)
    }

    /// Answers with 200 in a second.
    pub fn rate(&self) -> f64 {
        self.taken as f64 / self.length.as_secs_f64()
    }
}

/// When a load ends.
#[derive(Clone, Copy)]
pub enum Until {
    /// After this time.
    Passed(Duration),
    /// After so many requests.
    Sent(u64),
}

/// Sends from so many connections; the numbers of the requests begin with `first`.
pub fn load(at: SocketAddr, shot: &Shot, connections: u64, first: u64, until: Until) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let begun = Instant::now();
    let each = runtime.block_on(join_all((0..connections).map(|index| {
        let mut shot = shot.clone();
        async move {
            let mut stream = tokio::net::TcpStream::connect(at).await.expect("it listens");
            stream.set_nodelay(true).expect("set");
            let mut seen = Seen::default();
            let mut answer = Vec::with_capacity(4096);
            let mut number = first + index;
            loop {
                let over = match until {
                    Until::Passed(length) => begun.elapsed() >= length,
                    Until::Sent(all) => number - first >= all,
                };
                if over {
                    return seen;
                }
                shot.number(number);
                number += connections;
                let sent = Instant::now();
                stream.write_all(&shot.bytes).await.expect("sent");
                let status = answered(&mut stream, &mut answer).await.expect("an answer");
                seen.times.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                if status == 200 { seen.taken += 1 } else { seen.other += 1 }
            }
        }
    })));
    let mut all = Seen { length: begun.elapsed(), ..Seen::default() };
    for one in each {
        all.taken += one.taken;
        all.other += one.other;
        all.times.extend(one.times);
    }
    all.times.sort_unstable();
    all
}

/// Sends a request; the status, or none where the connection was closed.
async fn asked(stream: &mut tokio::net::TcpStream, request: &[u8]) -> Option<u16> {
    stream.write_all(request).await.ok()?;
    answered(stream, &mut Vec::new()).await
}

/// Reads one answer; its status, or none where the connection was closed.
async fn answered(stream: &mut tokio::net::TcpStream, answer: &mut Vec<u8>) -> Option<u16> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await.ok()? == 0 {
            return None;
        }
        if let Some(status) = whole(answer) {
            return Some(status);
        }
    }
}

/// The status of an answer, where all of it is there.
fn whole(answer: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let lower = head.to_ascii_lowercase();
    let length = lower.split_once("content-length:").and_then(|(_, rest)| rest.lines().next()?.trim().parse().ok());
    (body.len() >= length.unwrap_or(0)).then(|| head.get(9..12)?.parse().ok())?
}

/// One request on a connection of its own; its status.
pub fn once(at: SocketAddr, shot: &Shot, number: u64) -> u16 {
    let mut shot = shot.clone();
    shot.number(number);
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_nodelay(true).expect("set");
    stream.write_all(&shot.bytes).expect("sent");
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).expect("an answer");
        answer.extend_from_slice(&part[..read]);
        if let Some(status) = whole(&answer) {
            return status;
        }
        assert!(read > 0, "no answer");
    }
}
