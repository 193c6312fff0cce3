//! The `ira` binary: a name for [`ira::main`].

fn main() -> std::process::ExitCode {
    ira::main(std::env::args_os())
}
