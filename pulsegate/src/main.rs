//! Pulsegate: follows promotional events from Kafka into PostgreSQL and answers dashboards over GraphQL.
//!
//! | module | does |
//! |---|---|
//! | `cli`, `config` | what is to be done, and with what |
//! | `roles` | composes the libraries, one file per subcommand |
//! | `embedded` | stands in for services that are not configured |
//! | `demo` | believable events |
//! | `migrations`, `outbound`, `readiness`, `probes`, `telemetry`, `tls`, `shutdown` | what the roles share |

mod cli;
mod config;
mod demo;
mod embedded;
mod failure;
mod migrations;
mod outbound;
mod probes;
mod readiness;
mod roles;
mod shutdown;
mod telemetry;
mod tls;

use std::{
    env,
    io::{self, Write as _},
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{cli::Task, config::Layers, failure::Failure, shutdown::Signals};

/// Answers are made of very many small pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bad options and variables.
const MISUSE: u8 = 2;
/// As a shell tells of a process that SIGINT ended.
const INTERRUPTED: u8 = 130;
/// No stop takes longer, whatever hangs.
const STOP_WITHIN: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let (task, layers) = match cli::read(env::args_os(), env::vars_os()) {
        Ok(Ok(read)) => read,
        Ok(Err(mistakes)) => return refuse(&mistakes.to_string(), MISUSE),
        Err(refusal) if refusal.use_stderr() => return refuse(&cli::one_line(&refusal), MISUSE),
        // --help and --version.
        Err(text) => return text.print().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return refuse(&format!("pulsegate: {fault}"), 1),
    };
    let code = match runtime.block_on(run(task, &layers)) {
        Ok(code) => code,
        Err(failure) => refuse(&failure.to_string(), failure.exit_code()),
    };
    // Tasks that are still at something are not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

/// Does the task. The first signal asks it to finish, the second ends it at once.
async fn run(task: Task, layers: &Layers) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen()?;
    let stop = CancellationToken::new();
    let mut work = pin!(roles::run(task, layers, &stop));
    tokio::select! {
        outcome = &mut work => return outcome.map(|()| ExitCode::SUCCESS),
        () = signals.next() => {}
    }
    tracing::info!("stopping; a second signal ends it at once");
    stop.cancel();
    tokio::select! {
        outcome = &mut work => outcome.map(|()| ExitCode::SUCCESS),
        () = signals.next() => Ok(ExitCode::from(INTERRUPTED)),
        () = tokio::time::sleep(STOP_WITHIN) => {
            tracing::error!("it did not stop in time");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn refuse(text: &str, code: u8) -> ExitCode {
    // Where standard error is closed, the exit code has to do.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
    ExitCode::from(code)
}
