//! A PostgreSQL, a PgBouncer and a Redis of Debian's, each a process of the test's own; or why they cannot be had.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio_postgres::{Client, Config, NoTls};

use super::CANARY;
use crate::support::bed::free_port;
use crate::support::run::wait_until;
use crate::support::{debian, in_repository};

const BIN: &str = "/usr/lib/postgresql/15/bin";

/// A program as the user `postgres`, where this is root: neither server runs as root.
pub(super) fn as_postgres(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", program]);
    command
}

pub(super) fn run(command: &mut Command) -> String {
    let out = command.output().expect("it starts");
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

/// A folder that everybody may look into.
pub(super) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("chmod");
    folder
}

/// An empty data folder: made once, and copied.
fn template() -> PathBuf {
    let beds = in_repository("target/beds/postgres");
    std::fs::create_dir_all(&beds).expect("made");
    let lock = File::create(beds.join("lock")).expect("a lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    let made = beds.join("made");
    if !made.exists() {
        let folder = folder();
        let data = folder.path().join("data");
        let words = ["-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--no-locale", "-D"];
        run(as_postgres(&format!("{BIN}/initdb")).args(words).arg(&data));
        run(Command::new("cp").arg("-a").arg(&data).arg(beds.join("new")));
        std::fs::rename(beds.join("new"), &made).expect("renamed");
    }
    made
}

/// Ends a process of the bed, and waits for it.
pub(super) fn end(child: &mut Child, signal: rustix::process::Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    let _it_may_be_gone = rustix::process::kill_process(pid, signal);
    let _status = child.wait();
}

/// A server; ends with the value.
pub struct Postgres {
    pub port: u16,
    folder: tempfile::TempDir,
    child: Child,
}

impl Postgres {
    /// With so many connections, three of them for superusers; the users `ira` and `app`, whose password is the canary.
    pub fn start(most: u32) -> Option<Self> {
        if !debian(&["postgresql-15"]) {
            return None;
        }
        let (folder, port) = (folder(), free_port());
        let data = folder.path().join("data");
        run(Command::new("cp").arg("-a").arg(template()).arg(&data));
        let settings = format!(
            "max_connections = {most}\nsuperuser_reserved_connections = 3\nfsync = off\nlog_statement = all\n\
             listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\n",
            folder.path().display()
        );
        std::fs::write(data.join("postgresql.conf"), settings).expect("written");
        let access = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), access).expect("written");
        let child = launched(folder.path());
        let bed = Self { port, folder, child };
        bed.wait();
        bed.sql(&format!("CREATE ROLE ira LOGIN PASSWORD '{CANARY}'"));
        bed.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{CANARY}'"));
        Some(bed)
    }

    fn wait(&self) {
        wait_until("PostgreSQL answers", || self.psql("SELECT 1").output().is_ok_and(|out| out.status.success()));
    }

    fn psql(&self, sql: &str) -> Command {
        let mut command = Command::new("psql");
        command.args(["-U", "postgres", "-d", "postgres", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-c", sql, "-h"]);
        command.arg(self.folder.path()).args(["-p", &self.port.to_string()]).stdin(Stdio::null());
        command
    }

    /// Says it to the server as its superuser.
    pub fn sql(&self, sql: &str) -> String {
        run(&mut self.psql(sql))
    }

    /// The lines of SQL among those that an action prints as its policy.
    pub fn grant(&self, policy: &str) {
        for line in policy.lines().filter(|line| !line.starts_with("--")) {
            self.sql(line);
        }
    }

    /// As an administrator does.
    pub fn restart(&mut self) {
        end(&mut self.child, rustix::process::Signal::INT);
        self.child = launched(self.folder.path());
        self.wait();
    }

    /// Has it speak TLS with this certificate and key, PEM.
    pub fn secure(&mut self, certificate: &str, key: &str) {
        let data = self.folder.path().join("data");
        for (name, text) in [("own.crt", certificate), ("own.key", key)] {
            let path = data.join(name);
            std::fs::write(&path, text).expect("written");
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("chmod");
            if rustix::process::geteuid().is_root() {
                run(Command::new("chown").arg("postgres").arg(&path));
            }
        }
        self.sql("ALTER SYSTEM SET ssl_cert_file = 'own.crt'");
        self.sql("ALTER SYSTEM SET ssl_key_file = 'own.key'");
        self.sql("ALTER SYSTEM SET ssl = on");
        self.restart();
    }

    /// Every statement so far that was not the test's own.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }

    /// The table of the configuration that leads to it, or to what stands before it.
    pub fn table(port: u16) -> String {
        format!(
            "[postgres.shop]\nurl = \"postgresql://ira@127.0.0.1:{port}/postgres\"\npassword = \"file:@/secret\"\n\
             connect = \"3s\"\nanswer = \"3s\"\n"
        )
    }

    /// Opens so many sessions of a user, and leaves them idle.
    pub fn sessions(&self, user: &str, application: &str, count: usize) -> Sessions {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).user(user).password(CANARY).dbname("postgres");
        config.application_name(application);
        let open = async || {
            let (client, connection) = config.connect(NoTls).await.expect("connected");
            tokio::spawn(connection);
            client
        };
        let clients = (0..count).map(|_| runtime.block_on(open())).collect();
        let sessions = Sessions { runtime, clients };
        sessions.say("SELECT 1");
        sessions
    }

    /// How many sessions of an application are there.
    pub fn count(&self, application: &str) -> usize {
        let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{application}'");
        self.sql(&sql).parse().expect("a number")
    }
}

fn launched(folder: &Path) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).expect("a log");
    as_postgres(&format!("{BIN}/postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts")
}

impl Drop for Postgres {
    fn drop(&mut self) {
        end(&mut self.child, rustix::process::Signal::INT);
    }
}

/// Sessions of a client; they end with the value.
pub struct Sessions {
    runtime: tokio::runtime::Runtime,
    clients: Vec<Client>,
}

impl Sessions {
    /// Says it in each of them.
    pub fn say(&self, sql: &str) {
        for client in &self.clients {
            self.runtime.block_on(client.batch_execute(sql)).expect("asked");
        }
    }

    /// Says it in each of them, and does not wait for the answer.
    pub fn begin(&self, sql: &'static str) {
        for client in &self.clients {
            // What was sent is under way, whether or not anybody hears its end.
            self.runtime.block_on(async {
                let asked = client.batch_execute(sql);
                let _over = tokio::time::timeout(std::time::Duration::from_millis(50), asked).await;
            });
        }
    }
}

/// A cache; ends with the value.
pub struct Redis {
    pub port: u16,
    _folder: tempfile::TempDir,
    child: Child,
}

impl Redis {
    pub fn start() -> Option<Self> {
        Self::with(folder(), &[])
    }

    /// One that speaks TLS on another port, too, with this certificate and key, PEM; gives that port.
    pub fn secure(certificate: &str, key: &str) -> Option<(Self, u16)> {
        let (folder, port) = (folder(), free_port());
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let (certificate, key) = (file("own.crt", certificate), file("own.key", key));
        let words = ["--tls-port", &port.to_string(), "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let more = [&words[..], &["--tls-ca-cert-file", &certificate, "--tls-auth-clients", "no"]].concat();
        Some((Self::with(folder, &more)?, port))
    }

    fn with(folder: tempfile::TempDir, more: &[&str]) -> Option<Self> {
        if !debian(&["redis-server"]) {
            return None;
        }
        let port = free_port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(folder.path())
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let bed = Self { port, _folder: folder, child };
        wait_until("Redis answers", || bed.command(&["PING"]).output().is_ok_and(|out| out.stdout == b"PONG\n"));
        Some(bed)
    }

    /// `redis-cli` with these words.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &self.port.to_string()]).args(words).stdin(Stdio::null());
        command
    }

    pub fn say(&self, words: &[&str]) -> String {
        let said = run(&mut self.command(words));
        assert!(!said.starts_with("ERR") && !said.starts_with("NOPERM"), "{words:?}: {said}");
        said
    }

    /// So many keys of this name.
    pub fn fill(&self, name: &str, count: usize) {
        self.say(&[
            "EVAL",
            "for i = 1, ARGV[2] do redis.call('SET', ARGV[1] .. i, i) end",
            "0",
            name,
            &count.to_string(),
        ]);
    }

    pub fn size(&self) -> usize {
        self.say(&["DBSIZE"]).parse().expect("a number")
    }

    /// Makes the user that an action prints as its policy, for keys of this pattern.
    pub fn grant(&self, policy: &str, pattern: &str) {
        for line in policy.lines().filter(|line| !line.starts_with('#')) {
            let line = line.replace("PASSWORD", CANARY).replace("session:*", pattern);
            self.say(&line.split(' ').collect::<Vec<_>>());
        }
    }

    /// Everything that is said to it from now on, in a file; ends with the value.
    pub fn monitor(&self, file: &Path) -> Monitor {
        let out = File::create(file).expect("a file");
        let child = self.command(&["MONITOR"]).stdout(out).spawn().expect("it starts");
        wait_until("it listens", || std::fs::read_to_string(file).is_ok_and(|text| text.starts_with("OK")));
        Monitor(child)
    }

    /// The table of the configuration that leads to it, or to what stands before it.
    pub fn table(port: u16, user: &str) -> String {
        let password = if user.is_empty() { "" } else { "password = \"file:@/secret\"\n" };
        let user = if user.is_empty() { String::new() } else { format!("{user}@") };
        format!(
            "[redis.pages]\nurl = \"redis://{user}127.0.0.1:{port}/0\"\n{password}connect = \"3s\"\nanswer = \"3s\"\n"
        )
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        end(&mut self.child, rustix::process::Signal::TERM);
    }
}

/// Who listens to a cache.
pub struct Monitor(Child);

impl Drop for Monitor {
    fn drop(&mut self) {
        end(&mut self.0, rustix::process::Signal::TERM);
    }
}
