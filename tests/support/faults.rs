//! An endpoint that misbehaves in one named way.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A server on loopback that hands each connection's request body to a function and sends what it returns, whole.
pub struct Server {
    /// The port it listens on.
    pub port: u16,
}

impl Server {
    /// Answers every request with the bytes that `answer` makes of its body; `None` closes without a word.
    pub fn start(answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::asked(move |_, body| answer(body))
    }

    /// The same, told the request's line and headers too.
    pub fn asked(answer: impl Fn(&str, &str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || {
                    let mut stream = stream;
                    while let Some((head, body)) = request(&mut stream) {
                        match answer(&head, &body) {
                            Some(bytes) if stream.write_all(&bytes).is_ok() => {}
                            _ => return,
                        }
                    }
                });
            }
        });
        Self { port }
    }

    /// A proxy to `port` that holds every request for `delay` before it passes it on.
    pub fn delaying(port: u16, delay: Duration) -> Self {
        Self::start(move |body| {
            std::thread::sleep(delay);
            let mut upstream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            let head = format!(
                "POST / HTTP/1.1\r\nhost: l\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            upstream.write_all(head.as_bytes()).and_then(|()| upstream.write_all(body.as_bytes())).ok()?;
            let mut answer = Vec::new();
            upstream.read_to_end(&mut answer).ok()?;
            let start = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
            Some(http(200, "application/json", &answer[start..]))
        })
    }
}

/// A whole HTTP answer.
pub fn http(status: u16, kind: &str, body: &[u8]) -> Vec<u8> {
    let mut out =
        format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// Head and body of the next request; `None` at the end of the connection.
fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 || head.len() > 65_536 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).ok()?))
}
