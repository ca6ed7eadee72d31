//! What the process is there for, one file per subcommand.

mod base;
mod consume;
mod crew;
mod demo;
pub(crate) mod dlq;
mod http;
mod migrate;
mod rebuild;
mod serve;
mod table;

use tokio_util::sync::CancellationToken;

use crate::{
    cli::Task,
    config::{self, Layers, Logging},
    failure::Failure,
    telemetry,
};

/// Does what is to be done. Ends when it is done, or soon after `stop` is cancelled.
pub(crate) async fn run(task: Task, layers: &Layers, stop: &CancellationToken) -> Result<(), Failure> {
    match task {
        Task::Schema => Ok(print(&api::sdl())?),
        Task::Serve { demo, with_consumer, migrate } => {
            let config = begin(config::Serve::read(layers)?);
            serve::serve(config, serve::Options { demo, with_consumer, migrate }, stop).await
        }
        Task::Consume { migrate } => {
            consume::consume(begin(config::Consume::read(layers)?), migrate, stop).await
        }
        Task::Migrate(what) => migrate::migrate(&begin(config::migrate(layers)?), what).await,
        Task::Rebuild(plan) => rebuild::run(begin(config::Rebuild::read(layers)?), plan, stop).await,
        Task::Dlq(task) => dlq::dlq(task, begin(config::dead_letters(layers)?), stop).await,
        Task::Demo { users, events, days, rate, duration } => {
            let (logging, kafka, brokers) = config::demo(layers)?;
            telemetry::log(&logging);
            demo::produce(demo::size(users, events, days, rate), duration, &kafka, &brokers, stop).await
        }
    }
}

fn begin<T>((logging, config): (Logging, T)) -> T {
    telemetry::log(&logging);
    config
}

/// Writes to standard output. A reader that has heard enough is no fault.
fn print(text: &str) -> std::io::Result<()> {
    use std::io::{self, Write as _};
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
