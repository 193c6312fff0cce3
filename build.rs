//! How the binary is linked.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a build script speaks to cargo by its output and is told by variables"
)]

use std::env;

/// At a fixed address, where the linker can do that. `ira` is started for each script (as its shim), each completion and each
/// command, and 75,000 relocations would be three quarters of such a start. Stack, heap and libraries stay at random places.
fn main() {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|set| set == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
