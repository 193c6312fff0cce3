//! A proxy that breaks the talk between a client and a server in one named way.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What becomes of what a client says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It is handed on.
    On,
    /// It is handed on, and nothing comes back any more.
    OnOnly,
    /// Neither it nor anything after it is handed on.
    Swallow,
}

type Judge = Arc<Mutex<dyn FnMut(&str) -> Pass + Send>>;

/// Starts one before `port`; gives its own. `judge` is told everything that clients say, as far as it is text.
pub fn before(port: u16, judge: impl FnMut(&str) -> Pass + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let own = listener.local_addr().expect("bound").port();
    let judge: Judge = Arc::new(Mutex::new(judge));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let judge = Arc::clone(&judge);
            std::thread::spawn(move || {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", port)) {
                    between(client, server, &judge);
                }
            });
        }
    });
    own
}

fn between(mut client: TcpStream, mut server: TcpStream, judge: &Judge) {
    let deaf = Arc::new(AtomicBool::new(false));
    let (mut back, mut from, heard) =
        (client.try_clone().expect("cloned"), server.try_clone().expect("cloned"), Arc::clone(&deaf));
    std::thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if !heard.load(Ordering::SeqCst) && back.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
        let _gone = back.shutdown(Shutdown::Both);
    });
    let (mut buffer, mut swallows) = ([0; 16_384], false);
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let said = String::from_utf8_lossy(&buffer[..count]).into_owned();
        if swallows {
            continue;
        }
        let pass = judge.lock().expect("no panic")(&said);
        match pass {
            Pass::On => {}
            Pass::OnOnly => deaf.store(true, Ordering::SeqCst),
            Pass::Swallow => {
                swallows = true;
                continue;
            }
        }
        if server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _gone = server.shutdown(Shutdown::Both);
}

/// A port that takes connections and never says a word.
pub fn mute() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        all.extend(listener.incoming().flatten());
    });
    port
}

/// A flag that a judge sets and a test waits for.
#[derive(Clone, Default)]
pub struct Flag(Arc<AtomicBool>);

impl Flag {
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
