use std::{net::SocketAddr, sync::Arc, time::Duration};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use service::{
    Service,
    channel_api::{self, BaseUrl},
    clock::{SharedClock, SystemClock},
    domain::ChannelType,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Channels, Kafka},
    demo::{self, Brake, Plan, Sink},
    embedded::kafka::EmbeddedKafka,
    failure::Failure,
};

/// The same in every run, so that a later one goes on with the same events.
const SEED: u64 = 20_260_105;
/// What the embedded broker is filled with.
const EMBEDDED: Plan = Plan { seed: SEED, users: 3, events: 9, days: 14, rate: 2 };
const RETRY: Duration = Duration::from_secs(5);
/// How often the demo's own channels are read: often enough to see them move.
const INTERVAL: Duration = Duration::from_secs(10);

/// A demo of this size.
pub(super) const fn size(users: u32, events: u32, days: u32, rate: u32) -> Plan {
    Plan { seed: SEED, users, events, days, rate }
}

/// Fills an embedded broker, until `stop` is cancelled. Cancels `live` when the history is told.
pub(super) async fn embedded(
    service: &Arc<Service>,
    broker: &EmbeddedKafka,
    kafka: &Kafka,
    live: &CancellationToken,
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        let brake = Brake::Applied { service: Arc::clone(service), cluster_id: broker.cluster_id.clone() };
        let outcome = match Sink::new(&broker.address, kafka.topics.clone(), &kafka.librdkafka, brake) {
            Ok(sink) => demo::run(&EMBEDDED, sink, service.clock(), None, &mut Log(live), stop).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = outcome {
            tracing::warn!("{fault}; trying again");
            stop.run_until_cancelled(tokio::time::sleep(RETRY)).await;
        }
    }
}

/// The APIs to read channels from: where none is configured, the embedded demo's own, which answer on loopback until
/// `stop` is cancelled.
pub(super) async fn channel_apis(
    channels: Channels,
    clock: &SharedClock,
    stop: &CancellationToken,
) -> Result<channel_api::Settings, Failure> {
    let Channels { mut settings, is_interval_said } = channels;
    if !settings.bases.is_empty() {
        return Ok(settings);
    }
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    for kind in ChannelType::ALL {
        if let Ok(base) = BaseUrl::parse(&format!("http://{address}/{}", demo::channel_api::path(kind))) {
            settings.bases.insert(kind, base);
        }
    }
    if !is_interval_said {
        settings.interval = INTERVAL;
    }
    tracing::info!(%address, "the demo's channels have APIs");
    tokio::spawn(answer(listener, EMBEDDED, clock.clone(), stop.clone()));
    Ok(settings)
}

/// Answers for the channels of a plan's events.
async fn answer(
    listener: TcpListener,
    plan: Plan,
    clock: SharedClock,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = demo::channel_api::router(plan, clock);
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Answers for the demo's channels at an address, as long as the demo goes on.
async fn serve_channels(plan: Plan, address: SocketAddr) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await.map_err(|fault| Failure::Listen {
        address,
        variable: "--channel-api",
        fault,
    })?;
    let address = listener.local_addr()?;
    for kind in ChannelType::ALL {
        tracing::info!(
            "CHANNEL_API_{}_URL=http://{address}/{}",
            kind.as_str(),
            demo::channel_api::path(kind)
        );
    }
    Ok(answer(listener, plan, Arc::new(SystemClock), CancellationToken::new()).await?)
}

/// Produces to the configured Kafka, and answers for the channels where an address is given.
pub(super) async fn demo(
    plan: Plan,
    duration: Option<Duration>,
    channel_api: Option<SocketAddr>,
    (kafka, brokers): (&Kafka, &str),
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let produced = produce(plan, duration, kafka, brokers, stop);
    match channel_api {
        None => produced.await,
        Some(address) => tokio::select! {
            outcome = produced => outcome,
            outcome = serve_channels(plan, address) => outcome,
        },
    }
}

/// Produces to the configured Kafka.
async fn produce(
    plan: Plan,
    duration: Option<Duration>,
    kafka: &Kafka,
    brokers: &str,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let sink = Sink::new(brokers, kafka.topics.clone(), &kafka.librdkafka, Brake::None)?;
    let clock: SharedClock = Arc::new(SystemClock);
    let mut bar = Bar { bar: ProgressBar::new(0), messages: 0 };
    let outcome = demo::run(&plan, sink, &clock, duration, &mut bar, stop).await;
    bar.bar.finish_and_clear();
    tracing::info!(messages = bar.messages, "produced");
    Ok(outcome?)
}

/// Tells the progress in the log.
struct Log<'a>(&'a CancellationToken);

impl demo::Progress for Log<'_> {
    fn history(&mut self, _parts: u64) {
        tracing::info!("demo data are on their way");
    }

    fn part(&mut self) {}

    fn live(&mut self, _duration: Option<Duration>) {
        tracing::info!("the demo is live");
        self.0.cancel();
    }

    fn sent(&mut self, _messages: usize) {}
}

/// Shows the progress on the terminal.
struct Bar {
    bar: ProgressBar,
    messages: u64,
}

impl Bar {
    fn style(&self, template: &str) {
        // The templates are part of this file.
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
    }
}

impl demo::Progress for Bar {
    fn history(&mut self, parts: u64) {
        self.style("history {wide_bar} {percent:>3} %  {msg} messages");
        self.bar.set_length(parts);
    }

    fn part(&mut self) {
        self.bar.inc(1);
    }

    fn live(&mut self, duration: Option<Duration>) {
        self.bar.reset();
        if let Some(duration) = duration {
            self.style("live {wide_bar} {elapsed} of {len} s  {msg} messages");
            self.bar.set_length(duration.as_secs());
        } else {
            self.style("live {spinner} {elapsed}  {msg} messages (Ctrl-C ends)");
        }
    }

    fn sent(&mut self, messages: usize) {
        self.messages += messages as u64;
        self.bar.set_message(HumanCount(self.messages).to_string());
        if self.bar.length().is_some_and(|length| length > 0) {
            self.bar.set_position(
                self.bar.position().max(self.bar.elapsed().as_secs().min(self.bar.length().unwrap_or(0))),
            );
        }
    }
}
