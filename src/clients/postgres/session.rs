//! One session with a server: opened for a question, and gone with it.

use std::future::Future;
use std::time::Duration;

use ira_commands::{Fault, Kind};
use secrecy::ExposeSecret as _;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::said::{self, Unheard};
use crate::clients::redact::Redactor;
use crate::clients::tls;
use crate::config::Config;
use crate::config::systems::DataConfig;

/// How often it is tried again where no connection is left.
const TRIES: u32 = 4;
/// How long is waited before that.
const AGAIN: Duration = Duration::from_millis(250);

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Nothing can be written in it.
    Reading,
    /// It may write.
    Writing,
    /// The console of a pooler, which takes no options.
    Console,
}

/// A session.
pub(super) struct Session {
    /// What statements are sent by.
    pub client: Client,
    label: String,
    redactor: Redactor,
    answer: Duration,
}

impl Session {
    /// Opens one. After a fault nothing was asked.
    pub async fn open(config: &Config, one: &DataConfig, application: &str, use_of: For) -> Result<Self, Fault> {
        let place = one.place(config.env())?;
        let label = format!("{} ({})", one.name, place.address());
        let mut wanted = tokio_postgres::Config::new();
        wanted.host(&place.host).port(place.port).user(&place.user).dbname(&place.database);
        wanted.application_name(application);
        wanted.ssl_mode(if place.tls { SslMode::Require } else { SslMode::Disable });
        let millis = one.answer * 1000;
        let deadlines = format!("-c statement_timeout={millis} -c lock_timeout={millis} -c client_min_messages=error");
        let options = match use_of {
            For::Reading => format!("{deadlines} -c default_transaction_read_only=on"),
            For::Writing => deadlines,
            For::Console => String::new(),
        };
        if !options.is_empty() {
            wanted.options(options);
        }
        if let Some(password) = &place.password {
            wanted.password(password.expose_secret());
        }
        let redactor = Redactor::new(place.password.as_ref());
        let mut tries = TRIES;
        let opening = async {
            loop {
                let opened = if place.tls {
                    let connector = MakeRustlsConnect::new(tls::client(one.ca.as_deref())?);
                    wanted.connect(connector).await.map(|(client, connection)| (client, tokio::spawn(connection)))
                } else {
                    wanted.connect(NoTls).await.map(|(client, connection)| (client, tokio::spawn(connection)))
                };
                match opened {
                    Ok((client, _)) => return Ok::<Client, Fault>(client),
                    // The session of the question before may not be gone yet, and where all are taken that one counts.
                    Err(error) if error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS) && tries > 0 => {
                        tries -= 1;
                        tokio::time::sleep(AGAIN).await;
                    }
                    Err(error) => return Err(said::fault(&label, &redactor, &error).fault()),
                }
            }
        };
        let Ok(opened) = timeout(Duration::from_secs(one.connect), opening).await else {
            let why = format!("{label} did not let ira in within {} s", one.connect);
            return Err(Fault::new(Kind::Timeout, why).hint("is it overloaded, or stopped? `connect` gives it longer"));
        };
        let client = opened?;
        // The server gives up a little before nobody listens any more.
        Ok(Self { client, label, redactor, answer: Duration::from_secs(one.answer + 1) })
    }

    /// Waits for an answer. What went wrong says whether the server has spoken.
    pub async fn heard<T>(&self, asked: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Unheard> {
        match timeout(self.answer, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(said::fault(&self.label, &self.redactor, &error)),
            Err(_) => Err(Unheard::Lost(Fault::new(Kind::Timeout, format!("{} does not answer in time", self.label)))),
        }
    }

    /// The same for what reads.
    pub async fn read<T>(&self, asked: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Fault> {
        self.heard(asked).await.map_err(Unheard::fault)
    }

    /// It answered with what cannot be used.
    pub fn odd(&self, what: &str) -> Fault {
        Fault::new(Kind::BadAnswer, format!("{} answers without {what}", self.label))
    }
}
