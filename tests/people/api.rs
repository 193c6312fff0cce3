//! A server that is asked by HTTP and answers as a test says.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`, `POST` …
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// Headers, names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl Asked {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The path without its query.
    pub fn place(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Method and path without its query.
    pub fn verb(&self) -> String {
        format!("{} {}", self.method, self.place())
    }
}

/// What is answered: raw bytes, or nothing and the connection is closed.
pub type Answer = Option<Vec<u8>>;

/// A server on loopback.
pub struct Api {
    /// Its port.
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Api {
    /// Answers each request with what `answer` makes of it.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                std::thread::spawn(move || {
                    let mut stream = stream;
                    while let Some(request) = read(&mut stream) {
                        log.lock().expect("not poisoned").push(request.clone());
                        match answer(&request) {
                            Some(bytes) if stream.write_all(&bytes).is_ok() => {
                                if bytes.windows(17).take(200).any(|part| part == b"connection: close") {
                                    return;
                                }
                            }
                            _ => return,
                        }
                    }
                });
            }
        });
        Self { port, asked }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("not poisoned").clone()
    }

    /// How many requests of this method and path there were.
    pub fn count(&self, verb: &str) -> usize {
        self.asked().iter().filter(|asked| asked.verb() == verb).count()
    }
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 || head.len() > 65_536 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header =
        |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers: BTreeMap<String, String> = lines.filter_map(header).collect();
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body: String::from_utf8(body).ok()? })
}

/// JSON with a status.
pub fn json(status: u16, body: &Value) -> Answer {
    with(status, &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// A body with a status and headers.
#[expect(clippy::unnecessary_wraps, reason = "one that stays silent gives none")]
pub fn with(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut out = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        out.extend([name, ": ", value, "\r\n"]);
    }
    let mut out = (out + "\r\n").into_bytes();
    out.extend_from_slice(body);
    Some(out)
}

/// No answer at all, as long as anybody waits.
pub fn silence() -> Answer {
    std::thread::sleep(std::time::Duration::from_secs(60));
    None
}
