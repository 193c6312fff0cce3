//! The runner's own side: who asks is known by the kernel's word, and what is run stands in its folder.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ira_commands::ports::Progress;
use ira_commands::ports::host::{ScriptOrder, ScriptRead as _, ScriptWrite as _};
use ira_commands::{Fault, Kind};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::{Ask, LONGEST, Say};
use crate::clients::script::Scripts;

/// The most questions at the same time.
const MOST: usize = 256;
/// The longest question of somebody else, bytes.
const STRANGER: u64 = 64 << 10;
/// How long a question may take to come.
const COMING: Duration = Duration::from_secs(10);

/// Serves at `socket` whoever has the user id `peer`, and nobody else, until the future is dropped.
pub async fn serve(scripts: Arc<Scripts>, socket: &Path, peer: u32, ready: impl FnOnce()) -> Result<(), Fault> {
    let failed = |error: std::io::Error| {
        Fault::new(Kind::Failed, format!("{} cannot be listened on", socket.display()))
            .because(error.to_string())
            .hint("its folder has to be there, and belong to the runner's user")
    };
    if UnixStream::connect(socket).await.is_ok() {
        return Err(Fault::new(Kind::Busy, format!("another runner serves {}", socket.display())));
    }
    // Of one that is gone.
    let _none = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).map_err(failed)?;
    // Its group is the daemon's.
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o660)).map_err(failed)?;
    ready();
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let permit = Arc::clone(&room).acquire_owned().await;
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("a connection could not be taken: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let scripts = Arc::clone(&scripts);
        tokio::spawn(async move {
            one(stream, &scripts, peer).await;
            drop(permit);
        });
    }
}

async fn one(mut stream: UnixStream, scripts: &Arc<Scripts>, peer: u32) {
    let who = match stream.peer_cred() {
        Ok(who) => who.uid(),
        Err(error) => {
            tracing::warn!("who asks is not known: {error}");
            return;
        }
    };
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    // Read to its end also of a stranger: who is answered in the middle of a question may not hear it.
    let most = if who == peer { LONGEST } else { STRANGER };
    let read = timeout(COMING, BufReader::new(reader.take(most)).read_line(&mut line)).await;
    let Ok(Ok(_)) = read else { return };
    let say = if who == peer {
        match serde_json::from_str(&line) {
            Ok(Ask::Wait(attempt, seconds)) => {
                return waited(&mut writer, Arc::clone(scripts), attempt, seconds).await;
            }
            Ok(ask) => answer(ask, scripts).await,
            Err(error) => Fault::new(Kind::Usage, "this cannot be read").because(error.to_string()).into(),
        }
    } else {
        tracing::warn!("user {who} asked, and is not the daemon's (user {peer})");
        Fault::new(Kind::Denied, format!("the runner serves user {peer} alone, and this is user {who}")).into()
    };
    write(&mut writer, &say).await;
}

/// Says it; whoever asked may be gone.
async fn write(writer: &mut (impl tokio::io::AsyncWrite + Unpin), say: &Say) {
    let Ok(mut line) = serde_json::to_vec(say) else { return };
    line.push(b'\n');
    let _gone = writer.write_all(&line).await;
}

async fn answer(ask: Ask, scripts: &Scripts) -> Say {
    let said = match ask {
        Ask::Hello => Ok(Say::Hello { version: env!("CARGO_PKG_VERSION").to_owned() }),
        Ask::Find(program) => scripts.find(&program).await.map(Say::Found),
        Ask::Start(order) => start(&order, scripts).await.map(|()| Say::Started),
        Ask::Stop(attempt) => scripts.stop(&attempt).await.map(Say::Stopped),
        Ask::Wait(..) => Err(Fault::new(Kind::Failed, "it is waited for elsewhere")),
    };
    said.unwrap_or_else(Say::from)
}

/// Starts a script of the folder, once for each attempt. What the daemon says of the file is looked at again here: it is
/// who is not trusted.
async fn start(order: &ScriptOrder, scripts: &Scripts) -> Result<(), Fault> {
    if scripts.knows(&order.attempt) {
        return Ok(());
    }
    let folder = scripts.folder.as_deref().and_then(|folder| folder.canonicalize().ok());
    let path = Path::new(&order.file.path);
    if folder.is_none_or(|folder| path.parent() != Some(folder.as_path())) {
        return Err(Fault::new(Kind::Denied, format!("{} is not among the runner's scripts", order.file.path))
            .hint("put it into `scripts.folder`: a runner runs nothing else"));
    }
    let found = scripts.find(&order.file.path).await?;
    if found != order.file {
        return Err(Fault::new(Kind::Failed, format!("{} has changed since it was looked at", order.file.path)));
    }
    scripts.start(order).await
}

/// Passes on how far an attempt is, and how it ends.
async fn waited(
    writer: &mut (impl tokio::io::AsyncWrite + Unpin),
    scripts: Arc<Scripts>,
    attempt: String,
    seconds: u64,
) {
    let (said, mut stages) = mpsc::channel(16);
    let waiting = tokio::spawn(async move { scripts.wait(&attempt, seconds, &Passed(said)).await });
    while let Some(line) = stages.recv().await {
        write(writer, &Say::Progress(line)).await;
    }
    let fate = waiting.await.unwrap_or_else(|_| Err(Fault::new(Kind::Failed, "waiting for it broke")));
    write(writer, &fate.map_or_else(Say::from, Say::Stands)).await;
}

/// Progress that goes over the socket; what does not fit is left out.
struct Passed(mpsc::Sender<String>);

impl Progress for Passed {
    fn stage(&self, what: &str) {
        let _full = self.0.try_send(what.to_owned());
    }
}
