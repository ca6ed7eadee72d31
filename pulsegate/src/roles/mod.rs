//! What the process is there for, one file per subcommand.

mod base;
mod check;
mod consume;
mod crew;
mod demo;
pub(crate) mod dlq;
mod http;
mod migrate;
mod rebuild;
mod revoke;
mod serve;
mod table;

use tokio_util::sync::CancellationToken;

use crate::{
    cli::Task,
    config::{self, Layers, Logging},
    failure::Failure,
    telemetry::{self, Traces},
};

/// Does what is to be done. Ends when it is done, or soon after `stop` is cancelled.
pub(crate) async fn run(task: Task, layers: &Layers, stop: &CancellationToken) -> Result<(), Failure> {
    let mut telling = Telling::default();
    let outcome = perform(task, layers, &mut telling, stop).await;
    if let Some(traces) = telling.0 {
        traces.end().await;
    }
    outcome
}

async fn perform(
    task: Task,
    layers: &Layers,
    telling: &mut Telling,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    match task {
        Task::Schema => Ok(print(&api::sdl())?),
        Task::Serve { demo, with_consumer, migrate } => {
            let config = telling.begin(config::Serve::read(layers)?);
            serve::serve(config, serve::Options { demo, with_consumer, migrate }, stop).await
        }
        Task::Consume { migrate } => {
            consume::consume(telling.begin(config::Consume::read(layers)?), migrate, stop).await
        }
        Task::Migrate(what) => migrate::migrate(&telling.begin(config::migrate(layers)?), what).await,
        Task::Check => check::check(telling.begin(config::Check::read(layers)?)).await,
        Task::Rebuild(plan) => rebuild::run(telling.begin(config::Rebuild::read(layers)?), plan, stop).await,
        Task::Revoke(user, what) => {
            revoke::revoke(telling.begin(config::revoker(layers)?), &user, what).await
        }
        Task::Dlq(task) => dlq::dlq(task, telling.begin(config::dead_letters(layers)?), stop).await,
        Task::Demo { users, events, days, rate, duration, channel_api } => {
            let (logging, kafka, brokers) = config::demo(layers)?;
            telling.begin((logging, ()));
            let plan = demo::size(users, events, days, rate);
            demo::demo(plan, duration, channel_api, (&kafka, &brokers), stop).await
        }
    }
}

/// What is told to others while the process lives.
#[derive(Default)]
struct Telling(Option<Traces>);

impl Telling {
    fn begin<T>(&mut self, (logging, config): (Logging, T)) -> T {
        self.0 = Some(telemetry::begin(&logging));
        config
    }
}

/// Writes to standard output. A reader that has heard enough is no fault.
fn print(text: &str) -> std::io::Result<()> {
    use std::io::{self, Write as _};
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
