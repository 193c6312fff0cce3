//! As much of HTTP as what stands around the daemon needs: one request for each connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The longest body that is read, bytes.
const MOST: u64 = 1 << 20;
/// How long a peer may say nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request: its method and path without the query, and its body.
pub(super) struct Asked<'a> {
    pub what: (&'a str, &'a str),
    pub body: &'a [u8],
}

/// Answers on `listener` with a status and a body, until the process ends.
pub(super) fn serve(listener: &TcpListener, answer: impl Fn(&Asked<'_>) -> (u16, String) + Send + Sync + 'static) {
    let answer = Arc::new(answer);
    for stream in listener.incoming().flatten() {
        let answer = Arc::clone(&answer);
        std::thread::spawn(move || {
            // A peer that is gone misses nothing.
            let _gone = one(stream, answer.as_ref());
        });
    }
}

fn one(stream: TcpStream, answer: &impl Fn(&Asked<'_>) -> (u16, String)) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<u64>().unwrap_or(0).min(MOST);
        }
    }
    let mut body = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut body)?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let (status, said) = answer(&Asked { what: (method, path), body: &body });
    let head = format!(
        "HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        said.len()
    );
    reader.get_mut().write_all((head + &said).as_bytes())
}
