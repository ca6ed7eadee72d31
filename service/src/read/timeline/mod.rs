mod extent;
mod plan;
mod stored;
mod user;

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub(super) use self::extent::ReadExtents;
pub(crate) use self::extent::StoredExtent;
use self::plan::Plan;
pub(crate) use self::stored::StoredSeries;
pub(super) use self::stored::{Asked, ReadSeries};
use super::EventEntry;
use crate::{
    Error, Service,
    cursor::Cursors,
    domain::{Bucket, Counters, EventId, Granularity, UserId, Viewer},
    live::TimelineBookmark,
    timeline::{Alignment, Comparison, RangeError, RangeInput, Series, Trend, Window, trend},
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
#[derive(Clone, Debug)]
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
    /// Until when it is the same, if nothing is committed; `None`: for ever.
    pub holds_until: Option<DateTime<Utc>>,
    bookmark: Option<TimelineBookmark>,
}

impl Timeline {
    /// To go on from here; `None` for a sum over several events.
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        Some(self.bookmark.as_ref()?.seal(&self.window, self.now))
    }
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

/// The timeline of each thing that was asked for, or why its range can't be answered.
pub type Timelines<K> = HashMap<K, Result<Arc<Timeline>, RangeError>>;

/// Puts a window's numbers and those of the compared one together.
fn timeline(
    range: &RangeInput,
    window: Window,
    series: Series,
    compared: Option<(Window, Alignment, Series)>,
    now: DateTime<Utc>,
    bookmark: Option<TimelineBookmark>,
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
    let holds_until = range.holds_until(&window, now);
    Timeline {
        window,
        buckets: series.buckets,
        totals: series.totals,
        comparison,
        trend,
        now,
        holds_until,
        bookmark,
    }
}

impl Service {
    /// The timelines of these events, or why one of them has none.
    ///
    /// # Errors
    /// What the database says.
    pub async fn timelines(
        &self,
        of: &[Arc<EventEntry>],
        spec: &TimelineSpec,
    ) -> Result<Timelines<EventId>, Error> {
        let installation = self.installation().await?;
        let now = self.clock().now();
        let asked: Vec<Asked> = of.iter().map(|entry| Asked::of(entry)).collect();
        let extents = if spec.range.needs_extent() { self.extents(&asked).await? } else { HashMap::new() };
        let plan = Plan::new(asked, spec, now, |asked| extents.get(&asked.id).copied());
        let (beside, stored) = tokio::try_join!(self.series(&plan.others), self.series(&plan.windows))?;
        Ok(finish_all(plan, spec, stored, beside, now, &installation.cursors))
    }

    /// The same of one event where this process holds all that it is made of, without waiting for anything. `None`: it has
    /// to be asked for.
    #[must_use]
    pub fn held_timeline(
        &self,
        of: &EventEntry,
        spec: &TimelineSpec,
    ) -> Option<Result<Arc<Timeline>, RangeError>> {
        let (cursors, now) = (self.known_cursors()?, self.clock().now());
        let asked = Asked::of(of);
        let extent = if spec.range.needs_extent() { self.held_extent(&asked)?.extent() } else { None };
        let plan = Plan::new(vec![asked], spec, now, |_| extent);
        let (beside, stored) = (self.held_series(&plan.others)?, self.held_series(&plan.windows)?);
        finish_all(plan, spec, stored, beside, now, cursors).into_values().next()
    }

    /// The events of each of these users together; of a user whom the viewer may not see, nothing.
    ///
    /// # Errors
    /// What the database says.
    pub async fn user_timelines(
        &self,
        viewer: &Viewer,
        users: &[UserId],
        spec: &TimelineSpec,
    ) -> Result<Timelines<UserId>, Error> {
        let now = self.clock().now();
        let visible: Vec<&UserId> = users.iter().filter(|user| viewer.may_see(user)).collect();
        let extents =
            if spec.range.needs_extent() { self.user_extents(&visible).await? } else { HashMap::new() };
        let mut plan = Plan::new(users.to_vec(), spec, now, |user| extents.get(user).copied());
        let (mut beside, mut stored) = tokio::try_join!(
            self.user_series(viewer, &plan.others),
            self.user_series(viewer, &plan.windows)
        )?;
        let mut others = plan.take_others();
        let mut all: Timelines<UserId> =
            plan.refused.into_iter().map(|(user, error)| (user, Err(error))).collect();
        for (user, window) in plan.windows {
            let other = others
                .remove(&user)
                .map(|(other, alignment)| (other, alignment, beside.remove(&user).unwrap_or_default()));
            let series = stored.remove(&user).unwrap_or_default();
            all.insert(user, Ok(Arc::new(finish(spec, window, &series, other, now, None))));
        }
        Ok(all)
    }
}

/// The timeline of each event of a plan, of what was read of their windows and of those beside them.
fn finish_all(
    mut plan: Plan<Asked>,
    spec: &TimelineSpec,
    mut stored: HashMap<EventId, StoredSeries>,
    mut beside: HashMap<EventId, StoredSeries>,
    now: DateTime<Utc>,
    cursors: &Cursors,
) -> Timelines<EventId> {
    let mut others = plan.take_others();
    let mut all: Timelines<EventId> =
        plan.refused.into_iter().map(|(asked, error)| (asked.id, Err(error))).collect();
    for (asked, window) in plan.windows {
        let other = others
            .remove(&asked)
            .map(|(other, alignment)| (other, alignment, beside.remove(&asked.id).unwrap_or_default()));
        let Asked { id, revision } = asked;
        let series = stored.remove(&id).unwrap_or_default();
        let bookmark = TimelineBookmark { cursors: cursors.clone(), event: id.clone(), revision };
        all.insert(id, Ok(Arc::new(finish(spec, window, &series, other, now, Some(bookmark)))));
    }
    all
}

/// A timeline of what was read.
fn finish(
    spec: &TimelineSpec,
    window: Window,
    stored: &StoredSeries,
    other: Option<(Window, Alignment, StoredSeries)>,
    now: DateTime<Utc>,
    bookmark: Option<TimelineBookmark>,
) -> Timeline {
    let compared = other.map(|(other, alignment, stored)| {
        let series = stored.assemble(&other, true);
        (other, alignment, series)
    });
    // A trend is over whole buckets, empty ones included.
    let series = stored.assemble(&window, true);
    let mut timeline = timeline(&spec.range, window, series, compared, now, bookmark);
    if !spec.fill_gaps {
        leave_gaps(&mut timeline);
    }
    timeline
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
