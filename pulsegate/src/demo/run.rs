use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use service::clock::SharedClock;
use tokio_util::sync::CancellationToken;

use super::{Error, Plan, message::Message, present, producer::Sink};

const TICK: Duration = Duration::from_secs(1);
/// The fade is told in pieces of this length.
const PIECE: TimeDelta = TimeDelta::hours(1);
/// After a longer pause, as when a laptop slept, the time in between is told thinly, as before a start.
const PAUSE: TimeDelta = TimeDelta::minutes(2);

/// Follows how far the demo is.
pub(crate) trait Progress: Send {
    /// The history is told in so many parts.
    fn history(&mut self, parts: u64);
    /// A part is done.
    fn part(&mut self);
    /// From now on it is live, for so long if it ends.
    fn live(&mut self, duration: Option<Duration>);
    /// Messages were delivered.
    fn sent(&mut self, messages: usize);
}

/// Tells the history, then goes on live for `duration`, or for ever. Ends early, without an error, when `stop` is
/// cancelled.
pub(crate) async fn run(
    plan: &Plan,
    sink: Sink,
    clock: &SharedClock,
    duration: Option<Duration>,
    progress: &mut impl Progress,
    stop: &CancellationToken,
) -> Result<(), Error> {
    stop.run_until_cancelled(tell(plan, sink, clock, duration, progress)).await.unwrap_or(Ok(()))
}

async fn tell(
    plan: &Plan,
    mut sink: Sink,
    clock: &SharedClock,
    duration: Option<Duration>,
    progress: &mut impl Progress,
) -> Result<(), Error> {
    let began = present::current_second(clock.now());
    let days: Vec<i64> = plan.days_before(began).collect();
    let fade = if plan.days == 0 { TimeDelta::zero() } else { present::FADE };
    let pieces = u64::try_from(fade.num_seconds() / PIECE.num_seconds()).unwrap_or(0);
    progress.history(days.len() as u64 + pieces);

    send(&mut sink, plan.introduction(began), progress).await?;
    for day in days {
        send(&mut sink, plan.day(day, began), progress).await?;
        progress.part();
    }
    let mut told = began - fade;
    while told < began {
        let end = (told + PIECE).min(began);
        send(&mut sink, plan.recent(told, end, began), progress).await?;
        progress.part();
        told = end;
    }

    progress.live(duration);
    let until = duration.map(|duration| clock.now() + duration);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while until.is_none_or(|until| clock.now() < until) {
        ticks.tick().await;
        let now = present::current_second(clock.now());
        send(&mut sink, catch_up(plan, told, now), progress).await?;
        told = told.max(now);
    }
    Ok(())
}

fn catch_up(plan: &Plan, told: DateTime<Utc>, now: DateTime<Utc>) -> Vec<Message> {
    if now - told <= PAUSE {
        plan.live(told, now)
    } else {
        plan.recent(told.max(now - present::FADE), now, now)
    }
}

async fn send(sink: &mut Sink, messages: Vec<Message>, progress: &mut impl Progress) -> Result<(), Error> {
    sink.send(&messages).await?;
    progress.sent(messages.len());
    Ok(())
}
