#![expect(
    clippy::float_arithmetic,
    reason = "an estimate is no sum of money: the models compute in floating point"
)]

use augurs_core::{Fit, Predict};
use augurs_ets::AutoETS;
use chrono::{DateTime, Utc};
use distrs::StudentsT;
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
const MOST_TRIALS: usize = 8;

/// How many trials the model's own interval is worth.
const PRIOR_TRIALS: f64 = 1.0;

/// The variance itself is an estimate from a handful of days, so the tails are those of a t distribution.
const DEGREES_OF_FREEDOM: f64 = 4.0;

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
/// than twice as much as lies between now and `until`. Also where `until` isn't after `now`, and where `confidence`
/// isn't between 0 and 1.
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
    if days < FEWEST_DAYS || until <= now || ahead > (days * HOURS_OF_DAY / 2).to_f64()? {
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
    let margin = StudentsT::ppf(0.5 + level / 2.0, DEGREES_OF_FREEDOM) * variance.max(growth).sqrt();
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
        // One standard deviation to each side.
        let level = 0.682_689_492_137_085_9;
        // The search decides whether the trend is damped.
        let model = AutoETS::new(1, "AAN").ok()?.fit(cumulative).ok()?;
        // One day more, for what is added from day to day counts: where the model has its level is not where the sum is,
        // which is known.
        let forecast = model.predict(days + 1, level).ok()?;
        let intervals = forecast.intervals?;
        // Nobody unregisters, so no day takes anything away.
        let (first, later) = forecast.point.split_first()?;
        let growth: Vec<f64> = later
            .iter()
            .scan(0.0_f64, |highest, point| {
                *highest = highest.max(point - first);
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;
    use crate::domain::Counters;

    const START: &str = "2026-01-01T00:00:00Z";

    fn hour(count: usize) -> DateTime<Utc> {
        START.parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(i64::try_from(count).unwrap())
    }

    fn buckets(counts: &[i64]) -> Vec<Bucket> {
        let mut cumulative_participants = 0;
        counts
            .iter()
            .enumerate()
            .map(|(index, &participants)| {
                cumulative_participants += participants;
                let counters = Counters { participants, ..Counters::default() };
                Bucket { start: hour(index), end: hour(index + 1), counters, cumulative_participants }
            })
            .collect()
    }

    /// The forecast made after `known` hours for `ahead` hours later, and how many had registered before.
    fn after(counts: &[i64], known: usize, ahead: usize, confidence: &str) -> (i64, Option<Forecast>) {
        let total = counts[..known].iter().sum();
        let confidence = confidence.parse().unwrap();
        (total, forecast(&buckets(&counts[..known]), total, hour(known), hour(known + ahead), confidence))
    }

    /// How often something happens that is expected `mean` times.
    fn poisson(mean: f64, random: &mut StdRng) -> i64 {
        let mut count = 0;
        let mut left: f64 = mean;
        loop {
            left += (1.0_f64 - random.random::<f64>()).ln();
            if left < 0.0 {
                return count;
            }
            count += 1;
        }
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

    /// Hourly counts with a rhythm of the day.
    fn event(kind: Kind, days: u32, random: &mut StdRng) -> Vec<i64> {
        let daily = 20.0 * 20_f64.powf(random.random());
        let (weekday, turn) = (random.random_range(0..7), random.random_range(0..24));
        let pace = random.random_range(5.0..20.0);
        let mut level = 1.0_f64;
        let mut counts = Vec::new();
        for day in 0..days {
            let shock = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
            let factor = match kind {
                Kind::Steady => 1.0,
                Kind::Decaying => (-f64::from(day) / pace).exp(),
                Kind::Growing => 1.0 + f64::from(day) / pace,
                Kind::Weekly => [1.6, 1.6, 0.8, 0.8, 0.8, 0.8, 0.8][((day + weekday) % 7) as usize],
                Kind::Wandering => {
                    level *= (0.15_f64 * shock).exp();
                    level
                }
                Kind::Bursty => (0.4_f64 * shock).exp(),
            };
            for hour in 0..24 {
                let rhythm = 1.0 + 0.8 * (f64::from(hour + turn) * std::f64::consts::TAU / 24.0).sin();
                counts.push(poisson(daily * factor * rhythm / 24.0, random));
            }
        }
        counts
    }

    #[test]
    fn four_of_five_true_values_lie_within_an_80_percent_interval() {
        let mut random = StdRng::seed_from_u64(2026);
        let (mut inside, mut all) = (0, 0);
        for kind in [Kind::Steady, Kind::Decaying, Kind::Growing, Kind::Weekly, Kind::Wandering, Kind::Bursty]
        {
            for trial in 0..20 {
                let days = [10, 14, 21, 28][trial % 4];
                let ahead = [8, 24, 60, 120, 168][trial % 5];
                let counts = event(kind, days + 7, &mut random);
                let known = days as usize * 24;
                let truth = Decimal::from(counts[..known + ahead].iter().sum::<i64>());
                if let (_, Some(forecast)) = after(&counts, known, ahead, "0.8") {
                    inside += u32::from(forecast.low <= truth && truth <= forecast.high);
                    all += 1;
                }
            }
        }
        let share = f64::from(inside) / f64::from(all);
        assert!(all > 100 && (0.7..=0.9).contains(&share), "{inside} of {all}");
    }

    #[test]
    fn a_steady_event_goes_on() {
        let (total, forecast) = after(&[10; 14 * 24], 14 * 24, 36, "0.8");
        let forecast = forecast.unwrap();
        let expected = Decimal::from(total + 360);
        assert!((forecast.participants - expected).abs() < Decimal::TEN, "{forecast:?}");
        assert!(forecast.low < expected && expected < forecast.high, "{forecast:?}");
    }

    #[test]
    fn after_a_leap_it_goes_on_from_where_it_is() {
        let mut counts = [30; 14 * 24];
        counts[13 * 24..].fill(300);
        let (total, forecast) = after(&counts, 14 * 24, 24, "0.8");
        assert!(forecast.unwrap().participants >= Decimal::from(total + 500));
    }

    #[test]
    fn the_rhythm_of_the_day_is_no_trend() {
        // All come within one hour of the day; the next 12 hours hold none of it.
        let counts: Vec<i64> = (0..14 * 24).map(|hour| if hour % 24 == 20 { 100 } else { 0 }).collect();
        let (total, forecast) = after(&counts, 14 * 24, 12, "0.8");
        assert_eq!(forecast.unwrap().participants, Decimal::from(total));
        let (total, forecast) = after(&counts, 14 * 24, 21, "0.8");
        assert!((forecast.unwrap().participants - Decimal::from(total + 100)).abs() < Decimal::TWO);
    }

    #[test]
    fn more_confidence_is_a_wider_interval_and_nobody_unregisters() {
        let counts = event(Kind::Bursty, 14, &mut StdRng::seed_from_u64(1));
        let width = |confidence: &str| {
            let (total, forecast) = after(&counts, 14 * 24, 48, confidence);
            let forecast = forecast.unwrap();
            assert!(forecast.low >= Decimal::from(total));
            assert!(forecast.low <= forecast.participants && forecast.participants <= forecast.high);
            forecast.high - forecast.low
        };
        assert!(width("0.5") < width("0.8") && width("0.8") < width("0.99"));
    }

    #[test]
    fn too_little_history_says_nothing() {
        let counts = [3; 30 * 24];
        assert_eq!(after(&counts, FEWEST_DAYS * 24 - 1, 1, "0.8").1, None);
        assert!(after(&counts, FEWEST_DAYS * 24, 1, "0.8").1.is_some());
        assert_eq!(after(&counts, 14 * 24, 7 * 24 + 1, "0.8").1, None);
        assert!(after(&counts, 14 * 24, 7 * 24, "0.8").1.is_some());
        assert_eq!(after(&counts, 14 * 24, 0, "0.8").1, None);
        assert_eq!(after(&[0; 30 * 24], 30 * 24, 24, "0.8").1, None);
        for confidence in ["0", "1", "-0.5", "80"] {
            assert_eq!(after(&counts, 14 * 24, 24, confidence).1, None);
        }
        assert_eq!(forecast(&[], 0, hour(0), hour(24), "0.8".parse().unwrap()), None);
    }

    #[test]
    fn odd_histories_are_no_trap() {
        let mut once = vec![0; 20 * 24];
        once[0] = 1;
        let mut leap = vec![0; 20 * 24];
        leap[0] = 1;
        leap[20 * 24 - 1] = i64::from(i32::MAX);
        for counts in [once, leap, vec![i64::from(i32::MAX); 20 * 24]] {
            for ahead in [1, 24, 10 * 24] {
                if let (total, Some(forecast)) = after(&counts, 20 * 24, ahead, "0.999") {
                    assert!(forecast.low >= Decimal::from(total) && forecast.high >= forecast.participants);
                }
            }
        }
    }
}
