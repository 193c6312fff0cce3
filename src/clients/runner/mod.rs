//! The runner: scripts run as a user of their own, asked for over a Unix socket by the daemon and nobody else. What it
//! begins outlives both, and what it knows of an attempt can be asked again by the next daemon.

mod serve;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::ports::Progress;
use ira_commands::ports::host::{ScriptEnd, ScriptFate, ScriptFile, ScriptOrder, ScriptRead, ScriptWrite};
use ira_commands::{Fault, Kind};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use super::script::Mask;

pub use serve::serve;

/// The longest line, bytes: what a script reads on its standard input is in it.
const LONGEST: u64 = 64 << 20;
/// How long a runner may be away, as while it is restarted, before nobody waits for it any more.
const AWAY: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// One question; one of them goes over a connection, as a line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Ask {
    /// Whether it is there.
    Hello,
    /// The script of this name or path.
    Find(String),
    /// To be started; one that was begun before is not begun again.
    Start(ScriptOrder),
    /// How an attempt stands, waited for at most so many seconds.
    Wait(String, u64),
    /// Everything of an attempt is to be ended.
    Stop(String),
}

/// What is answered, a line each; progress comes before the last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Say {
    Hello { version: String },
    Progress(String),
    Found(ScriptFile),
    Started,
    Stands(ScriptFate),
    Stopped(usize),
    Refused { kind: Kind, message: String, causes: Vec<String>, hint: Option<String> },
}

impl From<Fault> for Say {
    fn from(fault: Fault) -> Self {
        let Fault { kind, message, causes, hint } = fault;
        Self::Refused { kind, message, causes, hint }
    }
}

/// No answer came.
struct Lost {
    fault: Fault,
    /// Whether the question may have arrived.
    sent: bool,
}

/// The runner behind a socket.
pub struct Runner {
    /// The socket.
    pub socket: PathBuf,
    /// Whether scripts take `--` as the end of their options.
    pub end_of_options: bool,
    /// What takes known secrets out of what a script writes.
    pub mask: Mask,
}

impl Runner {
    fn fault(&self, kind: Kind, why: impl std::fmt::Display) -> Fault {
        Fault::new(kind, format!("the runner at {} cannot be asked", self.socket.display()))
            .because(why.to_string())
            .hint("systemctl status ira-runner; `ira daemon --unit` prints its unit")
    }

    /// Whether this user may speak to it.
    pub fn is_open(&self) -> bool {
        rustix::fs::access(&self.socket, rustix::fs::Access::WRITE_OK).is_ok()
    }

    /// The version of who answers.
    pub async fn hello(&self) -> Result<String, Fault> {
        match self.answer(&Ask::Hello).await? {
            Say::Hello { version } => Ok(version),
            _ => Err(self.odd()),
        }
    }

    fn odd(&self) -> Fault {
        self.fault(Kind::BadAnswer, "it answered something else than was asked")
    }

    async fn answer(&self, ask: &Ask) -> Result<Say, Fault> {
        self.asked(ask, |_| ()).await.map_err(|lost| lost.fault)?
    }

    /// Asks once. The inner fault is the runner's own answer.
    async fn asked(&self, ask: &Ask, mut progress: impl FnMut(&str)) -> Result<Result<Say, Fault>, Lost> {
        let before = |error: std::io::Error| Lost { fault: self.fault(Kind::Unreachable, error), sent: false };
        let after = |why: &dyn std::fmt::Display| Lost { fault: self.fault(Kind::Unreachable, why), sent: true };
        let mut line = serde_json::to_vec(ask).map_err(|error| before(error.into()))?;
        line.push(b'\n');
        let mut stream = UnixStream::connect(&self.socket).await.map_err(before)?;
        stream.write_all(&line).await.map_err(|error| after(&error))?;
        let mut lines = BufReader::new(stream.take(LONGEST)).lines();
        loop {
            let line = lines.next_line().await.map_err(|error| after(&error))?;
            let line = line.ok_or_else(|| after(&"it broke off"))?;
            match serde_json::from_str(&line).map_err(|error| after(&error))? {
                Say::Progress(text) => progress(&text),
                Say::Refused { kind, message, causes, hint } => {
                    return Ok(Err(Fault { kind, message, causes, hint }));
                }
                say => return Ok(Ok(say)),
            }
        }
    }

    fn masked(&self, mut end: ScriptEnd) -> ScriptEnd {
        for text in [&mut end.stdout.head, &mut end.stdout.tail, &mut end.stderr.head, &mut end.stderr.tail] {
            *text = (self.mask)(text);
        }
        end
    }
}

#[async_trait]
impl ScriptRead for Runner {
    fn host(&self) -> String {
        super::host_name()
    }

    fn name(&self) -> String {
        super::script::attempt_name()
    }

    fn end_of_options(&self) -> bool {
        self.end_of_options
    }

    async fn find(&self, program: &str) -> Result<ScriptFile, Fault> {
        match self.answer(&Ask::Find(program.to_owned())).await? {
            Say::Found(file) => Ok(file),
            _ => Err(self.odd()),
        }
    }

    async fn wait(&self, attempt: &str, seconds: u64, progress: &dyn Progress) -> Result<ScriptFate, Fault> {
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut seen = Instant::now();
        loop {
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            let say = |line: &str| progress.stage(&(self.mask)(line));
            match self.asked(&Ask::Wait(attempt.to_owned(), left), say).await {
                Ok(Ok(Say::Stands(ScriptFate::Ended(end)))) => {
                    return Ok(ScriptFate::Ended(Box::new(self.masked(*end))));
                }
                Ok(Ok(Say::Stands(fate))) => return Ok(fate),
                Ok(Ok(_)) => return Err(self.odd()),
                Ok(Err(fault)) => return Err(fault),
                // It is being restarted; the script lives.
                Err(lost) if seen.elapsed() > AWAY => return Err(lost.fault),
                Err(lost) => {
                    if lost.sent {
                        seen = Instant::now();
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

#[async_trait]
impl ScriptWrite for Runner {
    async fn start(&self, order: &ScriptOrder) -> Result<(), Fault> {
        let ask = Ask::Start(order.clone());
        let begun = Instant::now();
        let mut sent = false;
        loop {
            match self.asked(&ask, |_| ()).await {
                Ok(Ok(Say::Started)) => return Ok(()),
                Ok(Ok(_)) => return Err(self.odd()),
                Ok(Err(fault)) => return Err(fault),
                Err(lost) => {
                    sent |= lost.sent;
                    // It never arrived: nothing was started.
                    if !sent {
                        return Err(lost.fault);
                    }
                    // It may have been: whoever waits for it finds out, and nobody takes it for undone.
                    if begun.elapsed() > AWAY {
                        return Ok(());
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn stop(&self, attempt: &str) -> Result<usize, Fault> {
        match self.answer(&Ask::Stop(attempt.to_owned())).await? {
            Say::Stopped(left) => Ok(left),
            _ => Err(self.odd()),
        }
    }
}
