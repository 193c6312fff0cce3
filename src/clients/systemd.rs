//! Units of systemd, over D-Bus.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use ira_commands::ports::host::{UnitBroken, UnitRead, UnitState, UnitVerb, UnitWrite};
use ira_commands::text::excerpt;
use ira_commands::units::digits;
use ira_commands::{Fault, Kind};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath, OwnedVariant, connection};

/// Where a system has its bus.
const BUS: &str = "unix:path=/run/dbus/system_bus_socket";
const MANAGER: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER_INTERFACE: &str = "org.freedesktop.systemd1.Manager";
const UNIT_INTERFACE: &str = "org.freedesktop.systemd1.Unit";
const SERVICE_INTERFACE: &str = "org.freedesktop.systemd1.Service";
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

type Properties = HashMap<String, OwnedVariant>;

/// The service manager behind a bus; connected to when it is first asked.
pub struct Systemd {
    bus: Option<String>,
    connection: OnceCell<Connection>,
    /// What takes known secrets out of a log; logs are not read where there is none.
    mask: Option<Mask>,
}

/// Takes known secrets out of a text.
type Mask = Box<dyn Fn(&str) -> String + Send + Sync>;

/// Whether this machine has a bus where a system has it.
pub fn is_here() -> bool {
    BUS.strip_prefix("unix:path=").is_some_and(|path| std::path::Path::new(path).exists())
}

impl Systemd {
    /// Of this machine, or of the one whose bus has this D-Bus address.
    pub fn new(bus: Option<String>) -> Self {
        Self { bus, connection: OnceCell::new(), mask: None }
    }

    /// The same, which reads logs too. A process is started for each.
    #[must_use]
    pub fn with_logs(self, mask: Mask) -> Self {
        Self { mask: Some(mask), ..self }
    }

    /// The root folder of the system whose bus it is; `None` where the address does not say. Empty for this system.
    fn root(&self) -> Option<&str> {
        let path = self.address().strip_prefix("unix:path=")?;
        BUS.strip_prefix("unix:path=").and_then(|usual| path.strip_suffix(usual))
    }

    /// The manager's version.
    pub async fn version(&self) -> Result<String, Fault> {
        let manager = OwnedObjectPath::try_from(PATH).map_err(|error| odd(&error))?;
        Ok(text(&self.properties(&manager, MANAGER_INTERFACE).await?, "Version"))
    }

    fn address(&self) -> &str {
        self.bus.as_deref().unwrap_or(BUS)
    }

    async fn connection(&self) -> Result<&Connection, Fault> {
        let connect = async || {
            let connecting = connection::Builder::address(self.address()).method_timeout(PATIENCE).build();
            match timeout(PATIENCE, connecting).await {
                Ok(Ok(connection)) => Ok(connection),
                Ok(Err(error)) => Err(self.unreachable(&error.to_string())),
                Err(_) => Err(self.unreachable("it does not answer")),
            }
        };
        self.connection.get_or_try_init(connect).await
    }

    fn unreachable(&self, why: &str) -> Fault {
        Fault::new(Kind::Unreachable, format!("the bus {} cannot be reached", self.address()))
            .because(excerpt(why, 200))
            .hint("is systemd at work there, and may you speak to it? `systemd.bus` names another bus")
    }

    async fn manager<B>(&self, method: &str, body: &B) -> Result<zbus::Message, Failed>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        let connection = self.connection().await.map_err(Failed::Before)?;
        let answer = connection.call_method(Some(MANAGER), PATH, Some(MANAGER_INTERFACE), method, body).await;
        answer.map_err(|error| Failed::of(&error, method))
    }

    async fn properties(&self, path: &OwnedObjectPath, interface: &str) -> Result<Properties, Fault> {
        let connection = self.connection().await?;
        let answer = connection
            .call_method(Some(MANAGER), path, Some("org.freedesktop.DBus.Properties"), "GetAll", &(interface,))
            .await
            .map_err(|error| Failed::of(&error, "GetAll").fault())?;
        answer.body().deserialize().map_err(|error| odd(&error))
    }

    /// Has the manager do it, and waits for the job.
    async fn done(&self, verb: UnitVerb, unit: &str, seconds: u64) -> Result<String, UnitBroken> {
        let connection = self.connection().await.map_err(UnitBroken::Refused)?;
        let refused = |error: zbus::Error| UnitBroken::Refused(Failed::of(&error, "Subscribe").fault());
        // Listened to before it is asked: a job may be done before the answer is read.
        self.manager("Subscribe", &()).await.map_err(|failed| UnitBroken::Refused(failed.fault()))?;
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface(MANAGER_INTERFACE)
            .member("JobRemoved")
            .path(PATH)
            .build()
            .map_err(refused)?;
        let mut removed = MessageStream::for_match_rule(rule, connection, None).await.map_err(refused)?;
        let method = match verb {
            UnitVerb::Start => "StartUnit",
            UnitVerb::Stop => "StopUnit",
            UnitVerb::Restart => "RestartUnit",
        };
        let answer = self.manager(method, &(unit, "replace")).await.map_err(|failed| match failed {
            Failed::Before(fault) | Failed::Refused(fault) => UnitBroken::Refused(fault),
            Failed::Unheard(fault) => UnitBroken::Unknown(fault),
        })?;
        let job: OwnedObjectPath = answer.body().deserialize().map_err(|error| UnitBroken::Unknown(odd(&error)))?;
        let ended = async {
            while let Some(message) = removed.next().await {
                let Ok(message) = message else { break };
                let body = message.body();
                let Ok((_, path, _, result)) = body.deserialize::<(u32, OwnedObjectPath, String, String)>() else {
                    continue;
                };
                if path == job {
                    return Some(excerpt(&result, 40));
                }
            }
            None
        };
        let lost = |why: &str| {
            UnitBroken::Unknown(
                Fault::new(Kind::Timeout, format!("what became of systemd's job for {unit} is not known"))
                    .because(why.to_owned())
                    .hint(format!("systemctl status {unit}")),
            )
        };
        match timeout(Duration::from_secs(seconds), ended).await {
            Ok(Some(result)) => Ok(result),
            Ok(None) => Err(lost("the bus broke off")),
            Err(_) => Err(lost(&format!("it was not done within {seconds} s"))),
        }
    }
}

/// A call that came to nothing.
enum Failed {
    /// It was never made.
    Before(Fault),
    /// It was answered: no.
    Refused(Fault),
    /// It was made, and not answered.
    Unheard(Fault),
}

impl Failed {
    fn of(error: &zbus::Error, method: &str) -> Self {
        let zbus::Error::MethodError(name, detail, _) = error else {
            return Self::Unheard(
                Fault::new(Kind::Unreachable, format!("systemd did not answer {method}"))
                    .because(excerpt(&error.to_string(), 200)),
            );
        };
        let name = name.as_str();
        let why = excerpt(detail.as_deref().unwrap_or(name), 200);
        let (kind, hint) = match name.rsplit('.').next().unwrap_or_default() {
            // The bus gives this when nobody answers it in time.
            "NoReply" | "Timeout" | "TimedOut" | "Disconnected" => {
                return Self::Unheard(
                    Fault::new(Kind::Timeout, format!("systemd did not answer {method}")).because(why),
                );
            }
            "NoSuchUnit" | "LoadFailed" => (Kind::Missing, "`systemctl list-unit-files` lists those that there are"),
            "AccessDenied" | "InteractiveAuthorizationRequired" | "AuthFailed" => {
                (Kind::Denied, "run it as root, or allow it by a polkit rule for this unit and verb")
            }
            _ => (Kind::Failed, "nothing was done; `systemctl status` says more"),
        };
        Self::Refused(Fault::new(kind, format!("systemd refuses {method}")).because(why).hint(hint))
    }

    fn fault(self) -> Fault {
        match self {
            Self::Before(fault) | Self::Refused(fault) | Self::Unheard(fault) => fault,
        }
    }
}

fn odd(error: &dyn std::fmt::Display) -> Fault {
    Fault::new(Kind::BadAnswer, "systemd answered what cannot be read").because(excerpt(&error.to_string(), 200))
}

fn text(properties: &Properties, name: &str) -> String {
    let value = properties.get(name).and_then(|value| <&str>::try_from(value).ok());
    excerpt(value.unwrap_or_default(), 300)
}

fn number<'a, T: TryFrom<&'a OwnedVariant> + Default>(properties: &'a Properties, name: &str) -> T {
    properties.get(name).and_then(|value| T::try_from(value).ok()).unwrap_or_default()
}

#[async_trait]
impl UnitRead for Systemd {
    fn place(&self) -> String {
        self.bus.clone().unwrap_or_else(super::host_name)
    }

    async fn unit(&self, name: &str) -> Result<UnitState, Fault> {
        let manager = OwnedObjectPath::try_from(PATH).map_err(|error| odd(&error))?;
        let answer = self.manager("LoadUnit", &(name,)).await.map_err(Failed::fault)?;
        let path: OwnedObjectPath = answer.body().deserialize().map_err(|error| odd(&error))?;
        let unit = self.properties(&path, UNIT_INTERFACE).await?;
        // Other kinds of unit have no process of their own.
        let service = if name.ends_with(".service") {
            self.properties(&path, SERVICE_INTERFACE).await?
        } else {
            Properties::new()
        };
        let since = self.properties(&manager, MANAGER_INTERFACE).await?;
        let invocation = unit.get("InvocationID").and_then(|value| Vec::<u8>::try_from(value.clone()).ok());
        let invocation = invocation.filter(|id| id.iter().any(|byte| *byte != 0));
        let job = unit.get("Job").and_then(|value| <(u32, OwnedObjectPath)>::try_from(value.clone()).ok());
        Ok(UnitState {
            name: text(&unit, "Id"),
            description: text(&unit, "Description"),
            load: text(&unit, "LoadState"),
            active: text(&unit, "ActiveState"),
            sub: text(&unit, "SubState"),
            pid: number(&service, "MainPID"),
            restarts: number(&service, "NRestarts"),
            result: text(&service, "Result"),
            invocation: invocation.map_or_else(String::new, |id| digits(&id)),
            active_since: number(&unit, "ActiveEnterTimestampMonotonic"),
            manager_since: number(&since, "UserspaceTimestamp"),
            job: job.is_some_and(|(id, _)| id != 0),
        })
    }

    async fn log(&self, name: &str, lines: usize) -> Vec<String> {
        let (Some(mask), Some(root)) = (&self.mask, self.root()) else { return Vec::new() };
        super::journald::tail(root, name, lines).await.iter().map(|line| mask(line)).collect()
    }

    async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[async_trait]
impl UnitWrite for Systemd {
    async fn job(&self, verb: UnitVerb, unit: &str, seconds: u64) -> Result<String, UnitBroken> {
        self.done(verb, unit, seconds).await
    }
}
