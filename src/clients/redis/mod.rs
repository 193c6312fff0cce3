//! Redis: a connection for each question, with deadlines. One server or its replicas; no cluster.

mod drill;
mod read;
mod write;

use std::sync::Arc;
use std::time::Duration;

use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo, RedisError,
    TlsCertificates,
};
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::http::use_ring;
use super::postgres::named;
use super::redact::Redactor;
use crate::config::Config;
use crate::config::systems::DataConfig;

pub use drill::Lookups;

/// The caches of the configuration.
pub struct Redis(Arc<Config>);

/// A connection.
struct Session {
    connection: MultiplexedConnection,
    label: String,
    redactor: Redactor,
}

impl Redis {
    /// All that are configured.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    fn named(&self, name: &str) -> Result<&DataConfig, Fault> {
        named("redis", &self.0.systems.redis, name)
    }

    /// Connects. After a fault nothing was asked.
    async fn session(&self, name: &str) -> Result<Session, Fault> {
        let one = self.named(name)?;
        let place = one.place(self.0.env())?;
        let label = format!("{} ({})", one.name, place.address());
        let redactor = Redactor::new(place.password.as_ref());
        let failed = |error: &RedisError| fault(&label, &redactor, error);
        let mut settings =
            RedisConnectionInfo::default().set_db(place.database.parse().unwrap_or_default()).set_skip_set_lib_name();
        if !place.user.is_empty() {
            settings = settings.set_username(&place.user);
        }
        if let Some(password) = &place.password {
            settings = settings.set_password(password.expose_secret());
        }
        let client = if place.tls {
            use_ring();
            let address =
                ConnectionAddr::TcpTls { host: place.host, port: place.port, insecure: false, tls_params: None };
            let root_cert = one.ca.as_deref().map(std::fs::read).transpose().map_err(|error| {
                Fault::new(Kind::Config, format!("the authority of {} cannot be read", one.name))
                    .because(error.to_string())
            })?;
            let info = address.into_connection_info().map_err(|error| failed(&error))?.set_redis_settings(settings);
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
        } else {
            let address = ConnectionAddr::Tcp(place.host, place.port);
            let info = address.into_connection_info().map_err(|error| failed(&error))?.set_redis_settings(settings);
            Client::open(info)
        };
        let client = client.map_err(|error| failed(&error))?;
        let connect = Duration::from_secs(one.connect);
        let how = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect))
            .set_response_timeout(Some(Duration::from_secs(one.answer)));
        match timeout(connect, client.get_multiplexed_async_connection_with_config(&how)).await {
            Ok(Ok(connection)) => Ok(Session { connection, label, redactor }),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => {
                let why = format!("{label} did not let ira in within {} s", one.connect);
                Err(Fault::new(Kind::Timeout, why).hint("is it overloaded, or stopped? `connect` gives it longer"))
            }
        }
    }
}

impl Session {
    fn fault(&self, error: &RedisError) -> Fault {
        fault(&self.label, &self.redactor, error)
    }
}

/// What an error says.
fn fault(label: &str, redactor: &Redactor, error: &RedisError) -> Fault {
    let why = excerpt(&redactor.text(&error.to_string()), 200);
    let with = |kind, what: &str| Fault::new(kind, format!("{label} {what}")).because(why.clone());
    let denied = || {
        with(Kind::Denied, "does not let this user do it")
            .hint("`ira act NAME --policy` prints what an action needs to be granted")
    };
    match error.code().unwrap_or_default() {
        "NOAUTH" | "WRONGPASS" => return with(Kind::Denied, "refuses the user or the password"),
        "NOPERM" => return denied(),
        "READONLY" => return with(Kind::Failed, "takes no write: it is a replica").hint("give the URL of the primary"),
        "LOADING" | "BUSY" | "MASTERDOWN" => return with(Kind::Unreachable, "is busy with itself"),
        "MOVED" | "ASK" | "CLUSTERDOWN" | "CROSSSLOT" => {
            return with(Kind::BadAnswer, "is a node of a cluster").hint("clusters are not spoken with");
        }
        _ => {}
    }
    if why.contains("can't run this command") {
        // Inside of a script it comes without its code.
        return denied();
    }
    if error.kind() == ErrorKind::AuthenticationFailed {
        return with(Kind::Denied, "refuses the user or the password");
    }
    if error.is_timeout() {
        return Fault::new(Kind::Timeout, format!("{label} does not answer in time"));
    }
    if error.is_io_error() || error.is_connection_refusal() || error.is_connection_dropped() {
        let fault = with(Kind::Unreachable, "cannot be reached, or broke off");
        return if why.contains("certificate") {
            fault.hint("`ca` names the authority of its certificate")
        } else {
            fault
        };
    }
    with(Kind::BadAnswer, "refuses the question")
}

/// Whether the server has spoken: what it refuses has no effect.
fn is_refused(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed)
}
