//! What was read of an event, carried on by what commits did since: an event that many people look at while it runs is
//! not read again with every one of its commits.
//!
//! A revision stands for one state of an event's rows, so what was read at one, and all of the commits since, give what
//! would be read now. Where one of them was not heard of, or did more than it tells, there is nothing to carry on.

use super::{
    EventEntry, Spending,
    timeline::{Asked, StoredExtent, StoredSeries},
};
use crate::{
    Service,
    cache::Labelled,
    domain::{Channel, EventId, Revision},
    ingest::Delta,
    live::Heard,
    timeline::Window,
};

impl Service {
    /// The commits since a revision. `None` where there are none that are known here, or some were not heard of.
    fn heard_since(
        &self,
        id: &EventId,
        revision: Revision,
        least: Revision,
    ) -> Option<(Revision, Vec<Heard>)> {
        let latest = self.hub().latest(id);
        let commits = self.hub().between(id, revision, latest)?;
        (revision < latest && latest >= least).then_some((latest, commits))
    }

    pub(super) fn carry_entry(&self, former: &EventEntry) -> Option<EventEntry> {
        let (_, commits) = self.heard_since(&former.event.event_id, former.event.revision, 0)?;
        commits.iter().try_fold(former.clone(), |entry, heard| entry_after(entry, heard.delta.as_ref()?))
    }

    pub(super) fn carry_spending(
        &self,
        asked: &Asked,
        former: &Labelled<Spending>,
    ) -> Option<Labelled<Spending>> {
        let (revision, commits) = self.heard_since(&asked.id, former.revision, asked.revision)?;
        // Nobody spends anything by registering, nor converts.
        commits
            .iter()
            .all(|heard| heard.delta.is_some())
            .then_some(Labelled { revision, value: former.value })
    }

    pub(super) fn carry_extent(&self, asked: &Asked, former: &StoredExtent) -> Option<StoredExtent> {
        let (revision, commits) = self.heard_since(&asked.id, former.revision, asked.revision)?;
        let mut bounds = former.bounds;
        for heard in commits.iter().filter(|heard| heard.changed_from.is_some()) {
            for (minute, _) in &heard.delta.as_ref()?.minutes {
                let (first, last) = bounds.unwrap_or((*minute, *minute));
                bounds = Some((first.min(*minute), last.max(*minute)));
            }
        }
        Some(StoredExtent { revision, bounds })
    }

    pub(super) fn carry_series(
        &self,
        asked: &Asked,
        window: &Window,
        former: &StoredSeries,
    ) -> Option<StoredSeries> {
        let (revision, commits) = self.heard_since(&asked.id, former.revision, asked.revision)?;
        let mut series = former.clone();
        series.revision = revision;
        // While an event runs, most windows lie behind what changes.
        let within = commits.iter().filter(|heard| heard.changed_from.is_some_and(|from| from < window.to()));
        for delta in within.map(|heard| heard.delta.as_ref()) {
            series.add(window, delta?.minutes.iter().map(|(minute, count)| (*minute, i64::from(*count))));
        }
        Some(series)
    }
}

/// An event and its channels after one more commit.
fn entry_after(mut entry: EventEntry, delta: &Delta) -> Option<EventEntry> {
    let event = &mut entry.event;
    event.total_participants = event.total_participants.checked_add(delta.participants)?;
    // A database that has lost commits gives their revisions to others.
    if event.revision != delta.after || event.total_participants != delta.total {
        return None;
    }
    event.revision += 1;
    event.updated_at = event.updated_at.max(delta.touched_at);
    entry.channels = match entry.channels {
        None => None,
        Some(_) if !entry.is_one_look => return None,
        Some(channels) if delta.channels.is_empty() => Some(channels),
        Some(channels) => Some(channels_after(channels.to_vec(), delta)?.into()),
    };
    Some(entry)
}

/// `None` where there is another channel than before, or one may be of another type.
fn channels_after(mut channels: Vec<Channel>, delta: &Delta) -> Option<Vec<Channel>> {
    for (name, told) in &delta.channels {
        let channel = channels.iter_mut().find(|channel| channel.channel_name == *name)?;
        if channel.channel_type != told.kind {
            return None;
        }
        channel.participants = channel.participants.checked_add(told.participants)?;
        channel.created_at = channel.created_at.min(told.first_touch);
        channel.updated_at = channel.updated_at.max(told.last_touch);
    }
    Some(channels)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use rust_decimal::Decimal;

    use super::*;
    use crate::{
        domain::{ChannelName, ChannelType, Event, EventStatus, UserId},
        ingest::ChannelDelta,
    };

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn channel(name: &str) -> Channel {
        Channel {
            event_id: EventId::trusted("evt-1"),
            channel_name: ChannelName::trusted(name),
            channel_type: ChannelType::Tv,
            impressions: 0,
            views: 0,
            clicks: 0,
            participants: 4,
            conversions: 0,
            distribution_cost: Decimal::ZERO,
            likes: 0,
            comments: 0,
            shares: 0,
            total_calls: 0,
            completed_calls: 0,
            average_duration: 0,
            created_at: at(100),
            updated_at: at(200),
            last_told: None,
        }
    }

    fn entry() -> EventEntry {
        EventEntry {
            event: Event {
                event_id: EventId::trusted("evt-1"),
                title: String::new(),
                user_id: UserId::trusted("user-1"),
                total_participants: 10,
                total_views: 0,
                estimated_roi: Decimal::ZERO,
                target_roi: Decimal::ZERO,
                sales_growth_rate: Decimal::ZERO,
                total_investment: Decimal::ZERO,
                expected_revenue: Decimal::ZERO,
                status: EventStatus::Active,
                created_at: at(100),
                updated_at: at(200),
                revision: 7,
            },
            channels: Some([channel("a"), channel("b")].into()),
            is_one_look: true,
        }
    }

    fn delta(channels: &[(&str, ChannelType)]) -> Delta {
        let told = |(name, kind): &(&str, ChannelType)| {
            let told =
                ChannelDelta { kind: *kind, participants: 2, first_touch: at(50), last_touch: at(150) };
            (ChannelName::trusted(name), told)
        };
        Delta {
            after: 7,
            participants: 3,
            total: 13,
            touched_at: at(300),
            channels: channels.iter().map(told).collect(),
            minutes: Vec::new(),
        }
    }

    #[test]
    fn participants_are_added_to_the_event_and_its_channels() {
        let after = entry_after(entry(), &delta(&[("b", ChannelType::Tv)])).unwrap();
        assert_eq!((after.event.total_participants, after.event.revision), (13, 8));
        assert_eq!((after.event.created_at, after.event.updated_at), (at(100), at(300)));
        let channels = after.channels.unwrap();
        assert_eq!(channels[0], channel("a"));
        assert_eq!((channels[1].participants, channels[1].created_at), (6, at(50)));
        assert_eq!(channels[1].updated_at, at(200));
    }

    #[test]
    fn what_can_not_be_known_is_not_carried_on() {
        assert_eq!(entry_after(entry(), &delta(&[("c", ChannelType::Tv)])), None, "another channel");
        assert_eq!(entry_after(entry(), &delta(&[("a", ChannelType::Sns)])), None, "another type");
        assert_eq!(entry_after(entry(), &Delta { after: 8, ..delta(&[]) }), None, "another revision");
        assert_eq!(entry_after(entry(), &Delta { total: 14, ..delta(&[]) }), None, "another history");
        let two_looks = EventEntry { is_one_look: false, ..entry() };
        assert_eq!(entry_after(two_looks, &delta(&[])), None, "the channels may be newer");
        let alone = EventEntry { channels: None, ..entry() };
        assert!(entry_after(alone, &delta(&[("c", ChannelType::Tv)])).is_some());
    }
}
