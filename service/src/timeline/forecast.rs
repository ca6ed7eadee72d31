#![expect(clippy::float_arithmetic, reason = "an estimate is no sum of money: the models compute in floating point")]

use augurs_core::{Fit, Predict};
use augurs_ets::AutoETS;
use chrono::{DateTime, Utc};
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive, ToPrimitive},
};

use crate::domain::Bucket;

const METHOD: &str = "ETS(A,A,N) over cumulative days, its interval scaled by its errors on held-back days";

const HOURS_OF_DAY: usize = 24;

/// With fewer whole days there is too little to tell a course from chance.
const FEWEST_DAYS: usize = 10;

/// Days that lie further back say little about what comes.
const MOST_DAYS: usize = 56;

/// How many forecasts of what is known already judge the model's interval, at most.
const MOST_TRIALS: usize = 10;

/// How many trials the model's own interval is worth.
const PRIOR_TRIALS: f64 = 3.0;

/// How many people will have registered by an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The expected number, not rounded.
    pub participants: Decimal,
    /// The lower end of the interval; never below what is registered already.
    pub low: Decimal,
    /// The upper end of the interval.
    pub high: Decimal,
    /// How often the true number lies within the interval, above 0 and below 1.
    pub confidence: Decimal,
    /// How it was made.
    pub method: &'static str,
}

/// Expects how many people will have registered by `until`.
///
/// `hours` are hour buckets of UTC without gaps, in order, up to the running one; `total` is the number registered at
/// `now`. The model sees whole days that end with the last whole hour, so that the rhythm of the day is no trend, and
/// spreads the last, partial day by that rhythm. Its interval is widened or narrowed by how its forecasts of days that
/// are known already turned out.
///
/// `None` where there is too little history to say: fewer than ten whole days since the first participant, or less
/// history than lies between now and `until`. Also where `until` isn't after `now`, and where `confidence` isn't between
/// 0 and 1.
#[must_use]
pub fn forecast(
    hours: &[Bucket],
    total: i64,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    confidence: Decimal,
) -> Option<Forecast> {
    let level = confidence.to_f64().filter(|level| *level > 0.0 && *level < 1.0)?;
    let whole = &hours[..hours.partition_point(|bucket| bucket.end <= now)];
    let first = whole.iter().position(|bucket| bucket.counters.participants > 0)?;
    let days = ((whole.len() - first) / HOURS_OF_DAY).min(MOST_DAYS);
    let recent = &whole[whole.len() - days * HOURS_OF_DAY..];
    let last = recent.last()?;
    let ahead = (until - last.end).num_milliseconds().to_f64()? / 3_600_000.0;
    if days < FEWEST_DAYS || until <= now || ahead > (days * HOURS_OF_DAY).to_f64()? {
        return None;
    }
    let counts: Vec<f64> =
        recent.iter().map(|bucket| bucket.counters.participants.to_f64()).collect::<Option<_>>()?;
    let whole_days = (ahead / 24.0).floor();
    let rest = share_of_day(&counts, ahead - whole_days * 24.0);
    let cumulative: Vec<f64> = counts
        .chunks(HOURS_OF_DAY)
        .scan(0.0, |sum, day| {
            *sum += day.iter().sum::<f64>();
            Some(*sum)
        })
        .collect();
    let steps = whole_days.to_usize()? + 1;
    let course = Course::of(&cumulative, steps)?;
    let (growth, variance) = course.after(steps - 1, rest);
    let variance = variance * scale(&cumulative, steps);
    let margin = distrs_quantile(level) * variance.max(growth).sqrt();
    let base = last.cumulative_participants.to_f64()?;
    let registered = Decimal::from(total);
    let decimal = |value: f64| Decimal::from_f64(base + value).map(|value| value.max(registered));
    Some(Forecast {
        participants: decimal(growth)?,
        low: decimal(growth - margin)?,
        high: decimal(growth + margin)?,
        confidence,
        method: METHOD,
    })
}

/// Which share of a day's participants come within its first hours, by all days together.
fn share_of_day(counts: &[f64], hours: f64) -> f64 {
    let total: f64 = counts.iter().sum();
    let mut left = hours;
    let mut share = 0.0;
    for hour in 0..HOURS_OF_DAY {
        let part = left.clamp(0.0, 1.0);
        share += part * counts.iter().skip(hour).step_by(HOURS_OF_DAY).sum::<f64>() / total;
        left -= 1.0;
    }
    share
}

/// What a model expects to be added after 1, 2, ... days, and the variance of that.
struct Course {
    growth: Vec<f64>,
    variance: Vec<f64>,
}

impl Course {
    fn of(cumulative: &[f64], days: usize) -> Option<Self> {
        let now = *cumulative.last()?;
        // One standard deviation to each side.
        let level = 0.682_689_492_137_085_9;
        let model = AutoETS::new(1, "AAN").ok()?.damped(std::env::var("DAMP").is_ok()).ok()?.fit(cumulative).ok()?;
        let forecast = model.predict(days, level).ok()?;
        let intervals = forecast.intervals?;
        // Nobody unregisters, so no day takes anything away.
        let growth: Vec<f64> = forecast
            .point
            .iter()
            .scan(0.0_f64, |highest, point| {
                *highest = highest.max(point - now);
                Some(*highest)
            })
            .collect();
        let variance: Vec<f64> = intervals
            .lower
            .iter()
            .zip(&intervals.upper)
            .map(|(lower, upper)| ((upper - lower) / 2.0).powi(2))
            .collect();
        growth.iter().chain(&variance).all(|value| value.is_finite()).then_some(Self { growth, variance })
    }

    /// Growth and its variance after whole days and a share of the next one.
    fn after(&self, days: usize, share: f64) -> (f64, f64) {
        let between = |values: &[f64]| {
            let before = days.checked_sub(1).and_then(|last| values.get(last)).copied().unwrap_or(0.0);
            let after = values.get(days).copied().unwrap_or(before);
            before + (after - before) * share
        };
        (between(&self.growth), between(&self.variance))
    }
}

/// By how much the model's variance is off, as its forecasts of known days, as far ahead, turned out.
fn scale(cumulative: &[f64], ahead: usize) -> f64 {
    let mut trials = PRIOR_TRIALS;
    let mut sum = PRIOR_TRIALS;
    for known in (FEWEST_DAYS - 1..cumulative.len()).rev().take(MOST_TRIALS) {
        let ahead = ahead.min(cumulative.len() - known);
        let (past, future) = cumulative.split_at(known);
        if let Some(course) = Course::of(past, ahead) {
            let (growth, variance) = course.after(ahead, 0.0);
            let error = future[ahead - 1] - past[known - 1] - growth;
            sum += error.powi(2) / variance.max(growth).max(1.0);
            trials += 1.0;
        }
    }
    sum / trials
}

fn distrs_quantile(level: f64) -> f64 {
    distrs::Normal::ppf(0.5 + level / 2.0, 0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;
    use crate::domain::Counters;

    /// Events of a Poisson process in one hour.
    fn poisson(mean: f64, random: &mut StdRng) -> i64 {
        let mut count = 0;
        let mut left = mean;
        loop {
            left += (1.0 - random.random::<f64>()).ln();
            if left < 0.0 {
                return count;
            }
            count += 1;
        }
    }

    fn normal(random: &mut StdRng) -> f64 {
        (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
    }

    #[derive(Clone, Copy, Debug)]
    enum Kind {
        Steady,
        Decaying,
        Growing,
        Weekly,
        Wandering,
        Bursty,
    }

    fn hours(kind: Kind, days: usize, random: &mut StdRng) -> Vec<i64> {
        let daily = 20.0 * 20_f64.powf(random.random::<f64>());
        let phase = random.random_range(0..7);
        let turn = random.random_range(0..24);
        let rate = random.random_range(5.0..20.0);
        let mut level = 1.0;
        let mut all = Vec::new();
        for day in 0..days {
            let t = day as f64;
            let factor = match kind {
                Kind::Steady => 1.0,
                Kind::Decaying => (-t / rate).exp(),
                Kind::Growing => 1.0 + t / rate,
                Kind::Weekly => if (day + phase) % 7 < 2 { 1.6 } else { 0.8 },
                Kind::Wandering => { level *= (0.15 * normal(random)).exp(); level }
                Kind::Bursty => (0.4 * normal(random)).exp(),
            };
            for hour in 0..24 {
                let rhythm = 1.0 + 0.8 * ((hour + turn) as f64 * std::f64::consts::TAU / 24.0).sin();
                all.push(poisson(daily * factor * rhythm / 24.0, random));
            }
        }
        all
    }

    #[test]
    fn sim() {
        let mut random = StdRng::seed_from_u64(7);
        let (mut gi, mut gn) = (0, 0);
        let started = std::time::Instant::now();
        for kind in [Kind::Steady, Kind::Decaying, Kind::Growing, Kind::Weekly, Kind::Wandering, Kind::Bursty] {
            let (mut inside, mut n, mut width, mut err) = (0, 0, 0.0, 0.0);
            for trial in 0..60 {
                let days = [10, 14, 21, 28][trial % 4];
                let ahead = [8_usize, 24, 60, 120, 168][trial % 5];
                let counts = hours(kind, days + 8, &mut random);
                let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
                let mut c = 0;
                let buckets: Vec<Bucket> = counts.iter().enumerate().map(|(i, p)| { c += p; Bucket { start: start + TimeDelta::hours(i as i64), end: start + TimeDelta::hours(i as i64 + 1), counters: Counters { participants: *p, ..Counters::default() }, cumulative_participants: c } }).collect();
                let now = start + TimeDelta::hours(days as i64 * 24 + 1);
                let until = now + TimeDelta::hours(ahead as i64);
                let total = buckets[days * 24].cumulative_participants;
                let truth = buckets[days * 24 + ahead].cumulative_participants;
                let Some(f) = forecast(&buckets, total, now, until, "0.8".parse().unwrap()) else { continue };
                n += 1;
                inside += usize::from(f.low <= truth.into() && f.high >= truth.into());
                let g = (truth - total) as f64;
                width += (f.high - f.low).to_f64().unwrap() / g.max(1.0);
                err += ((f.participants.to_f64().unwrap() - truth as f64) / g.max(1.0)).abs();
            }
            gi += inside; gn += n;
            println!("{kind:?} n {n} inside {:.2} width {:.2} err {:.2}", inside as f64 / n as f64, width / n as f64, err / n as f64);
        }
        println!("all {:.3} {:?}", gi as f64 / gn as f64, started.elapsed());
    }
}
