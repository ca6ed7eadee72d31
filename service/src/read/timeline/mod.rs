mod stored;
mod user;

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub(super) use self::stored::Asked;
pub(crate) use self::stored::{StoredExtent, StoredSeries};
use super::EventEntry;
use crate::{
    Error, Service,
    domain::{Bucket, Counters, EventId, Granularity, UserId, Viewer},
    live,
    timeline::{Alignment, Comparison, RangeError, RangeInput, Series, Trend, Window, compare, trend},
};

/// Which timeline is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimelineSpec {
    /// Width of the buckets.
    pub granularity: Granularity,
    /// Whose calendar.
    pub zone: Tz,
    /// From when to when.
    pub range: RangeInput,
    /// Whether buckets in which nothing happened are there.
    pub fill_gaps: bool,
    /// Beside what.
    pub compare_to: Option<Comparison>,
}

/// A course over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The buckets that it is about.
    pub window: Window,
    /// Those with numbers, or all.
    pub buckets: Vec<Bucket>,
    /// Sums over the window.
    pub totals: Counters,
    /// The other period, where one was asked for.
    pub comparison: Option<ComparedTimeline>,
    /// Where it goes.
    pub trend: Trend,
    /// When it was read: a bucket that ends later is not over yet.
    pub now: DateTime<Utc>,
    /// To go on from here; `None` for a sum over several events.
    pub cursor: Option<String>,
}

/// The period beside a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedTimeline {
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
    /// Sums over it.
    pub totals: Counters,
    /// For each of the timeline's buckets the counters at the same place; `None` where there is no such place.
    pub buckets: Vec<Option<Counters>>,
}

/// Why there is no timeline.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// The range can't be answered.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The database.
    #[error(transparent)]
    Service(#[from] Error),
}

/// Puts a window's numbers and those of the compared one together.
fn timeline(
    window: Window,
    series: Series,
    compared: Option<(Window, Alignment, Series)>,
    now: DateTime<Utc>,
    cursor: Option<String>,
) -> Timeline {
    let comparison = compared.map(|(other, alignment, other_series)| ComparedTimeline {
        from: other.from(),
        to: other.to(),
        totals: other_series.totals,
        buckets: series
            .buckets
            .iter()
            .map(|bucket| {
                let place = alignment.compared(window.index_of(bucket.start)?)?;
                other_series.buckets.get(place).map(|bucket| bucket.counters)
            })
            .collect(),
    });
    let trend = trend(&series.buckets, now);
    Timeline { window, buckets: series.buckets, totals: series.totals, comparison, trend, now, cursor }
}

impl Service {
    /// The timelines of these events.
    ///
    /// # Errors
    /// A range that can't be answered, or what the database says.
    pub async fn timelines(
        &self,
        of: &[Arc<EventEntry>],
        spec: &TimelineSpec,
    ) -> Result<HashMap<EventId, Arc<Timeline>>, TimelineError> {
        let installation = self.installation().await?;
        let now = self.clock().now();
        let asked: Vec<Asked> = of.iter().map(|entry| Asked::of(entry)).collect();
        let extents = if spec.range.needs_extent() { self.extents(&asked).await? } else { HashMap::new() };
        // Where nothing stored decides, all events share one window; its bounds are computed once.
        let shared = if spec.range.needs_extent() {
            None
        } else {
            Some(spec.range.resolve(spec.granularity, spec.zone, now, None)?)
        };
        let shared_comparison = shared.as_ref().zip(spec.compare_to).map(|(window, to)| compare(window, to));
        let windows = asked
            .into_iter()
            .map(|asked| {
                let window = match &shared {
                    Some(window) => window.clone(),
                    None => spec.range.resolve(
                        spec.granularity,
                        spec.zone,
                        now,
                        extents.get(&asked.id).copied(),
                    )?,
                };
                Ok((asked, window))
            })
            .collect::<Result<Vec<_>, RangeError>>()?;
        let mut compared = HashMap::new();
        if let Some(comparison) = spec.compare_to {
            let (others, alignments): (Vec<_>, Vec<_>) = windows
                .iter()
                .map(|(asked, window)| {
                    let (other, alignment) =
                        shared_comparison.clone().unwrap_or_else(|| compare(window, comparison));
                    ((asked.clone(), other), alignment)
                })
                .unzip();
            let mut stored = self.series(&others).await?;
            for ((asked, other), alignment) in others.into_iter().zip(alignments) {
                let series = stored.remove(&asked.id).unwrap_or_default().assemble(&other, true);
                compared.insert(asked.id, (other, alignment, series));
            }
        }
        let mut stored = self.series(&windows).await?;
        Ok(windows
            .into_iter()
            .map(|(Asked { id, revision }, window)| {
                let cursor = live::timeline_cursor(
                    &installation.cursors,
                    &id,
                    spec.granularity,
                    spec.zone,
                    revision,
                    now,
                );
                // A trend is over whole buckets, empty ones included.
                let series = stored.remove(&id).unwrap_or_default().assemble(&window, true);
                let mut timeline = timeline(window, series, compared.remove(&id), now, Some(cursor));
                if !spec.fill_gaps {
                    leave_gaps(&mut timeline);
                }
                (id, Arc::new(timeline))
            })
            .collect())
    }

    /// One user's events together; of a user whom the viewer may not see, nothing.
    ///
    /// # Errors
    /// A range that can't be answered, or what the database says.
    pub async fn user_timeline(
        &self,
        viewer: &Viewer,
        user: &UserId,
        spec: &TimelineSpec,
    ) -> Result<Arc<Timeline>, TimelineError> {
        let now = self.clock().now();
        // Nobody's rows have an empty owner that is asked for by name: undescribed events stay out.
        let owner = if viewer.may_see(user) { user.as_str() } else { "" };
        let extent = if spec.range.needs_extent() && !owner.is_empty() {
            self.user_extent(owner).await?
        } else {
            None
        };
        let window = spec.range.resolve(spec.granularity, spec.zone, now, extent)?;
        let compared = match spec.compare_to.map(|comparison| compare(&window, comparison)) {
            Some((other, alignment)) => {
                let series = self.user_series(owner, &other).await?.assemble(&other, true);
                Some((other, alignment, series))
            }
            None => None,
        };
        let series = self.user_series(owner, &window).await?.assemble(&window, true);
        let mut timeline = timeline(window, series, compared, now, None);
        if !spec.fill_gaps {
            leave_gaps(&mut timeline);
        }
        Ok(Arc::new(timeline))
    }
}

/// Takes the buckets in which nothing happened out, and what stands beside them.
fn leave_gaps(timeline: &mut Timeline) {
    let kept: Vec<bool> =
        timeline.buckets.iter().map(|bucket| bucket.counters != Counters::default()).collect();
    let mut keep = kept.iter().copied();
    timeline.buckets.retain(|_| keep.next().unwrap_or(true));
    if let Some(comparison) = &mut timeline.comparison {
        let mut keep = kept.iter().copied();
        comparison.buckets.retain(|_| keep.next().unwrap_or(true));
    }
}
