//! A `PgBouncer` of Debian's, a process of the test's own.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use super::CANARY;
use super::bed::{as_postgres, end, folder, run};
use crate::support::bed::free_port;
use crate::support::debian;
use crate::support::run::wait_until;

/// A pooler without a server behind it: its console is all that is asked.
pub struct PgBouncer {
    pub port: u16,
    _folder: tempfile::TempDir,
    child: Child,
}

impl PgBouncer {
    /// `ira` is an administrator of it, `watch` may only look.
    pub fn start() -> Option<Self> {
        if !debian(&["pgbouncer"]) {
            return None;
        }
        let (folder, port) = (folder(), free_port());
        let ini = format!(
            "[databases]\nshop = host=127.0.0.1 port=1\nown = host=127.0.0.1 port=1 pool_size=7\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n\
             auth_file = {}/users\nadmin_users = ira\nstats_users = watch\n",
            folder.path().display()
        );
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            std::fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("chmod");
        };
        write("users", &format!("\"ira\" \"{CANARY}\"\n\"watch\" \"{CANARY}\"\n"));
        write("ini", &ini);
        let child = as_postgres("/usr/sbin/pgbouncer")
            .arg(folder.path().join("ini"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        wait_until("PgBouncer listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { port, _folder: folder, child })
    }

    /// Its `default_pool_size`, as it says itself.
    pub fn size(&self) -> String {
        let port = self.port.to_string();
        let mut command = Command::new("psql");
        command.env("PGPASSWORD", CANARY).stdin(Stdio::null());
        command.args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "watch",
            "-d",
            "pgbouncer",
            "-X",
            "-At",
            "-c",
            "SHOW CONFIG",
        ]);
        let all = run(&mut command);
        let own = all.lines().find_map(|line| line.strip_prefix("default_pool_size|")).expect("a setting");
        own.split('|').next().unwrap_or_default().to_owned()
    }

    /// The table of the configuration that leads to it.
    pub fn table(&self, user: &str) -> String {
        let port = self.port;
        format!(
            "[pgbouncer.shop]\nurl = \"postgresql://{user}@127.0.0.1:{port}/pgbouncer\"\npassword = \"file:@/secret\"\n"
        )
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        end(&mut self.child, rustix::process::Signal::TERM);
    }
}
