//! A small file system of the test's own is filled, never further than it may be.

use std::path::{Path, PathBuf};

use super::*;
use crate::people::api::with;
use crate::support::run::wait_until;
use crate::support::skipped;

/// A file system of 16 MiB; gone with the value.
struct Small(PathBuf);

impl Small {
    fn at(path: &Path) -> Option<Self> {
        std::fs::create_dir_all(path).expect("made");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(path).output();
        if mounted.is_ok_and(|out| out.status.success()) {
            return Some(Self(path.to_owned()));
        }
        skipped("no file system can be mounted here");
        None
    }

    fn used(&self) -> u64 {
        let known = rustix::fs::statvfs(&self.0).expect("there");
        100 - known.f_bavail * 100 / known.f_blocks
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_disk_is_filled_to_90_percent_and_emptied_by_whoever_is_left() {
    let site = Api::start(|_| with(200, &[], b"ok"));
    let inject = "inject = { fault = \"fill-disk\", target = \"@/disk\", most = 32 }\nafter = \"30s\"\n";
    let range = Range::mending(&site.url(), "rm -f @/disk/ira-drill-one.fill\n", inject);
    let Some(disk) = Small::at(&range.person.path("disk")) else { return };
    let refused = range.run(&["drill", "one", "--yes"]);
    assert!(refused.code != 0 && refused.err.contains(".ira-drill-safe"), "{refused:?}");
    range.person.write("disk/.ira-drill-safe", "", 0o600);

    // The drill and its injector die together: what they left is written down.
    let mut drill = range.left(&["drill", "one", "--yes"]);
    wait_until("it is full", || disk.used() >= 88);
    assert!(disk.used() <= 91, "{}", disk.used());
    let injector = children(drill.id());
    assert_eq!(injector.len(), 1);
    // The one that would take it back first.
    crate::host::kill(injector[0]);
    drill.kill().expect("killed");
    drill.wait().expect("reaped");
    let undone = range.run(&["drill", "undo"]);
    assert!(undone.code == 0 && disk.used() < 10, "{undone:?} {}", disk.used());

    // And a playbook may be quicker than that.
    let config = range.person.read(".config/ira/config.toml").replace("after = \"30s\"", "after = \"1s\"");
    range.person.write(".config/ira/config.toml", &config, 0o600);
    let _daemon = range.daemon();
    let ran = range.run(&["drill", "one", "--yes"]);
    assert!(ran.code == 0 && ran.out.contains("nothing was left to take back"), "{ran:?} {}", range.log());
    assert!(disk.used() < 10);
    let small = config.replace("most = 32", "most = 3");
    range.person.write(".config/ira/config.toml", &small, 0o600);
    let refused = range.run(&["drill", "one", "--yes"]);
    assert!(refused.code != 0 && refused.err.contains("3 are allowed"), "{refused:?}");
}
