//! A way to AWS that writes down what is asked, and breaks in named ways.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::faults::http;

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Then {
    /// It is handed on, and so is its answer.
    On,
    /// It is refused: status, code, words.
    Refuse(u16, &'static str, &'static str),
    /// It is handed on, and nothing is ever answered.
    Silence,
    /// It is neither handed on nor answered.
    Hang,
    /// Of a batch only the first so many are handed on.
    Partly(usize),
}

type Judge = Arc<Mutex<dyn FnMut(&str) -> Then + Send>>;

/// The way.
pub struct Way {
    /// Its port.
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    judge: Arc<Mutex<Judge>>,
}

impl Way {
    /// To an emulator; everything is handed on.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let own = listener.local_addr().expect("bound").port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let judge: Arc<Mutex<Judge>> = Arc::new(Mutex::new(Arc::new(Mutex::new(|_: &str| Then::On))));
        let (log, judging) = (Arc::clone(&asked), Arc::clone(&judge));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (log, judging) = (Arc::clone(&log), Arc::clone(&judging));
                std::thread::spawn(move || serve(client, port, &log, &judging));
            }
        });
        Self { port: own, asked, judge }
    }

    /// From now on.
    pub fn judge(&self, judge: impl FnMut(&str) -> Then + Send + 'static) {
        *self.judge.lock().expect("no panic") = Arc::new(Mutex::new(judge));
    }

    /// This becomes of every request of a call, from now on.
    pub fn on(&self, call: &'static str, then: Then) {
        self.judge(move |asked| if asked == call { then.clone() } else { Then::On });
    }

    /// What was asked, in order: `UpdateService`, `Query` …
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }

    /// How often a call was made.
    pub fn count(&self, call: &str) -> usize {
        self.asked().iter().filter(|one| *one == call).count()
    }

    /// The calls that change something.
    pub fn writes(&self) -> Vec<String> {
        let reads = ["Describe", "Get", "List", "Query"];
        self.asked().into_iter().filter(|call| !reads.iter().any(|read| call.starts_with(read))).collect()
    }
}

/// The call that a request makes.
fn call(head: &str, body: &[u8]) -> String {
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    if let Some(target) = header("x-amz-target:") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    if let Some(operation) = path.rsplit_once("/operation/") {
        return operation.1.to_owned();
    }
    if path.contains("/invocations") {
        return "Invoke".to_owned();
    }
    if path.contains("/configuration") {
        return "GetFunctionConfiguration".to_owned();
    }
    let body = String::from_utf8_lossy(body);
    let action = body.split('&').find_map(|part| part.strip_prefix("Action="));
    action.map_or_else(|| head.lines().next().unwrap_or_default().to_owned(), str::to_owned)
}

fn serve(mut client: TcpStream, port: u16, log: &Mutex<Vec<String>>, judging: &Mutex<Judge>) {
    while let Some((head, body)) = message(&mut client) {
        let call = call(&head, &body);
        log.lock().expect("no panic").push(call.clone());
        let judge = Arc::clone(&judging.lock().expect("no panic"));
        let then = judge.lock().expect("no panic")(&call);
        let answer = match then {
            Then::On => handed(port, &head, &body),
            Then::Refuse(status, code, words) => Some(refusal(&head, status, code, words)),
            Then::Silence => {
                drop(handed(port, &head, &body));
                wait(&mut client);
                return;
            }
            Then::Hang => {
                wait(&mut client);
                return;
            }
            Then::Partly(most) => partly(port, &head, &body, most),
        };
        let Some(answer) = answer else { return };
        if client.write_all(&answer).is_err() {
            return;
        }
    }
}

/// Until the client gives up.
fn wait(client: &mut TcpStream) {
    let mut byte = [0];
    while client.read(&mut byte).is_ok_and(|count| count > 0) {}
}

fn refusal(head: &str, status: u16, code: &str, words: &str) -> Vec<u8> {
    if head.contains("application/x-www-form-urlencoded") {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error></ErrorResponse>"
        );
        return http(status, "text/xml", body.as_bytes());
    }
    let body = json!({ "__type": code, "message": words, "Message": words }).to_string();
    let mut answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\nx-amzn-errortype: {code}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body.as_bytes());
    answer
}

/// A head with the length of its body; the rest of the head as it is.
fn handed(port: u16, head: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    server.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut lines: Vec<&str> = head.trim_end().lines().collect();
    lines.retain(|line| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("content-length:") && !line.starts_with("connection:")
    });
    let head = format!("{}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", lines.join("\r\n"), body.len());
    server.write_all(head.as_bytes()).and_then(|()| server.write_all(body)).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    whole(&answer)
}

/// An answer of a connection that was closed after it, as one that keeps it open.
fn whole(answer: &[u8]) -> Option<Vec<u8>> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut body = answer[end..].to_vec();
    let mut lines: Vec<&str> = head.trim_end().lines().collect();
    if lines.iter().any(|line| line.to_ascii_lowercase().starts_with("transfer-encoding:")) {
        body = unchunked(&body)?;
    }
    lines.retain(|line| {
        let line = line.to_ascii_lowercase();
        !["content-length:", "connection:", "transfer-encoding:"].iter().any(|name| line.starts_with(name))
    });
    let mut all = format!("{}\r\ncontent-length: {}\r\n\r\n", lines.join("\r\n"), body.len()).into_bytes();
    all.extend(body);
    Some(all)
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(all);
        }
        all.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}

/// Of a batch of deletions only the first so many are handed on; the others were not taken.
fn partly(port: u16, head: &str, body: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut batch: Value = serde_json::from_slice(body).ok()?;
    let table = batch["RequestItems"].as_object()?.keys().next()?.clone();
    let all = batch["RequestItems"][&table].as_array()?.clone();
    let (now, later) = all.split_at(most.min(all.len()));
    if !now.is_empty() {
        batch["RequestItems"][&table] = json!(now);
        handed(port, head, batch.to_string().as_bytes())?;
    }
    let left = if later.is_empty() { json!({}) } else { json!({ table: later }) };
    Some(http(200, "application/x-amz-json-1.0", json!({ "UnprocessedItems": left }).to_string().as_bytes()))
}

/// Head and body of the next request; `None` at the end of the connection.
fn message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 || head.len() > 65_536 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}
