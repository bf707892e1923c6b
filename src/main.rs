//! The thin binary.

use std::process::ExitCode;

use prompteval::{cli, env::Env};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cwd = std::env::current_dir().unwrap_or_default();
    cli::main(std::env::args_os(), &Env::from_process(), &cwd).into()
}
