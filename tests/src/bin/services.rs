//! Brings up what the tests need, runs a command with it, and takes it down.
//!
//! `services -- COMMAND ARGUMENTS…` runs the command; without one, the addresses are printed and the services
//! stay until Ctrl-C.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::env;
use std::process::ExitCode;

use tests::provision::provision;
use tests::report::Report;
use tests::services::Services;
use tests::supervise::{Interrupts, run};
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--") {
        arguments.remove(0);
    }
    provision(|line| eprintln!("services: {line}"));

    let mut interrupts = Interrupts::new()?;
    let services = tokio::select! {
        services = Services::start() => services?,
        interrupt = interrupts.next() => return Ok(interrupt.exit_code()),
    };
    let report = Report::new()?;
    let code = match arguments.split_first() {
        None => {
            for (variable, value) in services.variables() {
                println!("export {variable}={value}");
            }
            eprintln!("services: {}; Ctrl-C stops them", services.real_parts());
            interrupts.next().await;
            ExitCode::SUCCESS
        }
        Some((program, arguments)) => {
            eprintln!("services: {}", services.real_parts());
            let mut command = Command::new(program);
            command.args(arguments).envs(services.variables()).env(Report::VARIABLE, report.path());
            run(&mut command, &mut interrupts).await?
        }
    };
    let real_parts = services.real_parts();
    drop(services);
    println!("{real_parts}{}", report.summary()?);
    Ok(code)
}
