//! A client that behaves as badly as clients do.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::Value;
use service::clock::{Clock as _, SystemClock};
use tests::clients::events::Events;
use tests::clients::socket::{Frame, Socket};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::chart::Chart;
use super::truth::Truth;

/// What happened to a client.
#[derive(Debug, Default)]
pub(super) struct Diary {
    pub(super) connections: usize,
    pub(super) resumes: usize,
    pub(super) resyncs: usize,
    pub(super) updates: usize,
}

/// Until the test knows how it ends.
pub(super) type Ending = watch::Receiver<Option<Arc<Truth>>>;

/// After the last message is stored, it is shown within this.
const SHOWN_WITHIN: Duration = Duration::from_secs(40);
const GLANCE: Duration = Duration::from_millis(300);
/// What is over is told to be a moment later.
const LATE: chrono::TimeDelta = chrono::TimeDelta::seconds(5);

enum Connection {
    Socket(Socket),
    Events(Events),
}

impl Connection {
    async fn open(base: &str, chart: &Chart, by_events: bool) -> anyhow::Result<Self> {
        let (document, cursor) = (chart.follows.document(), chart.cursor.as_deref());
        if by_events {
            let variables = chart.follows.variables(None);
            return Ok(Self::Events(Events::open(base, document, &variables, cursor).await?));
        }
        let mut socket = Socket::connect(base).await?;
        socket.subscribe("chart", document, chart.follows.variables(cursor)).await?;
        Ok(Self::Socket(socket))
    }

    /// The next payload.
    async fn next(&mut self) -> anyhow::Result<Value> {
        match self {
            Self::Socket(socket) => match socket.next().await? {
                Frame::Next { payload, .. } => Ok(payload),
                other => bail!("{other:?}"),
            },
            Self::Events(events) => events.next().await?.context("completed"),
        }
    }
}

/// Follows until the chart shows the truth; gives what it has been through, or what is wrong.
pub(super) async fn follow(
    mut chart: Chart,
    gateways: Arc<[String]>,
    mut random: StdRng,
    mut ending: Ending,
) -> anyhow::Result<Diary> {
    let by_events = random.random_ratio(1, 5);
    let mut diary = Diary::default();
    let mut deadline = None;
    loop {
        let base = &gateways[random.random_range(0..gateways.len())];
        if random.random_ratio(1, 10) && ending.borrow().is_none() {
            chart.forget();
        }
        diary.resumes += usize::from(chart.cursor.is_some());
        let opened = timeout(Duration::from_secs(10), Connection::open(base, &chart, by_events)).await;
        let Ok(Ok(mut connection)) = opened else {
            // It is not there at the moment.
            sleep(Duration::from_millis(random.random_range(50..300))).await;
            continue;
        };
        diary.connections += 1;
        // Some stay, some leave soon.
        let stays = Duration::from_millis(random.random_range(50..12_000));
        let leaves = Instant::now() + stays;
        let is_slow = random.random_ratio(1, 4);
        loop {
            let truth = ending.borrow().clone();
            if let Some(truth) = &truth {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + SHOWN_WITHIN);
                match chart.differs(truth, SystemClock.now() - LATE) {
                    None => return Ok(Diary { updates: chart.updates, ..diary }),
                    Some(difference) if Instant::now() > deadline => {
                        bail!("{:?} shows {difference}", chart.follows)
                    }
                    Some(_) => {}
                }
            } else if Instant::now() > leaves {
                break;
            }
            if is_slow && truth.is_none() {
                sleep(Duration::from_millis(random.random_range(0..1_500))).await;
            }
            let payload = tokio::select! {
                payload = timeout(GLANCE, connection.next()) => match payload {
                    Ok(Ok(payload)) => payload,
                    // Closed or killed: connect again.
                    Ok(Err(_)) => break,
                    Err(_) => continue,
                },
                changed = ending.changed(), if truth.is_none() => {
                    changed?;
                    continue;
                }
            };
            match payload["errors"][0]["extensions"]["code"].as_str() {
                None => {
                    let update = payload["data"].as_object().and_then(|data| data.values().next());
                    let update = update.with_context(|| payload.to_string())?;
                    chart.take(update).with_context(|| format!("{:?}: {update}", chart.follows))?;
                }
                Some("RESYNC_REQUIRED") => {
                    diary.resyncs += 1;
                    chart.forget();
                    break;
                }
                Some(_) => bail!("{:?}: {payload}", chart.follows),
            }
        }
    }
}

/// Now, to the minute.
pub(super) fn this_minute() -> DateTime<Utc> {
    chrono::DurationRound::duration_trunc(SystemClock.now(), chrono::TimeDelta::minutes(1)).unwrap()
}
