use rust_decimal::Decimal;

use super::{ChannelMetric, ChannelSums};
use crate::domain::ChannelType;

/// Channels of one name or one type, summed over events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelGroup {
    /// The name or the type.
    pub key: String,
    /// The type that all channels of the group have; `None` where they differ.
    pub channel_type: Option<ChannelType>,
    /// How many events have such a channel.
    pub events: i64,
    /// Their numbers.
    pub sums: ChannelSums,
}

/// A place in a ranking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankingRow {
    /// What is ranked.
    pub group: ChannelGroup,
    /// The value that it is ranked by, not rounded.
    pub value: Option<Decimal>,
}

/// The best groups, and the rest in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Best first.
    pub rows: Vec<RankingRow>,
    /// The sums of all that have no row; `None` where all have one. An event counts once for each group that it is in.
    pub others: Option<RankingRow>,
}

/// The key of the row that sums up the rest.
pub const OTHERS: &str = "others";

impl Ranking {
    /// Ranks the groups: best first, no value last, ties by key; all beyond the first `top` are summed up.
    #[must_use]
    pub fn of(groups: Vec<ChannelGroup>, by: ChannelMetric, top: usize) -> Self {
        let mut rows: Vec<_> =
            groups.into_iter().map(|group| RankingRow { value: by.value(&group.sums), group }).collect();
        rows.sort_by(|left, right| {
            by.better_first(left.value, right.value).then_with(|| left.group.key.cmp(&right.group.key))
        });
        let rest = rows.split_off(top.min(rows.len()));
        let others = (!rest.is_empty()).then(|| {
            let mut group = ChannelGroup {
                key: OTHERS.to_owned(),
                channel_type: None,
                events: 0,
                sums: ChannelSums::default(),
            };
            for row in &rest {
                group.events += row.group.events;
                group.sums += &row.group.sums;
            }
            RankingRow { value: by.value(&group.sums), group }
        });
        Self { rows, others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(key: &str, participants: i64, cost: i64) -> ChannelGroup {
        ChannelGroup {
            key: key.to_owned(),
            channel_type: Some(ChannelType::Tv),
            events: 2,
            sums: ChannelSums { participants, distribution_cost: cost.into(), ..ChannelSums::default() },
        }
    }

    fn groups() -> Vec<ChannelGroup> {
        vec![
            group("지니TV", 10, 500),
            group("우리동네TV", 30, 300),
            group("링고비즈", 0, 70),
            group("인스타그램", 10, 100),
        ]
    }

    fn keys(ranking: &Ranking) -> Vec<&str> {
        ranking.rows.iter().map(|row| row.group.key.as_str()).collect()
    }

    #[test]
    fn the_best_come_first_and_ties_go_by_key() {
        let ranking = Ranking::of(groups(), ChannelMetric::Participants, 10);
        assert_eq!(keys(&ranking), ["우리동네TV", "인스타그램", "지니TV", "링고비즈"]);
        assert_eq!(ranking.others, None);
    }

    #[test]
    fn a_cost_per_something_is_best_when_low_and_none_is_last() {
        let ranking = Ranking::of(groups(), ChannelMetric::CostPerParticipant, 10);
        assert_eq!(keys(&ranking), ["우리동네TV", "인스타그램", "지니TV", "링고비즈"]);
        assert_eq!(ranking.rows[0].value, Some(10.into()));
        assert_eq!(ranking.rows[3].value, None);
    }

    #[test]
    fn others_are_valued_by_their_sums() {
        let ranking = Ranking::of(groups(), ChannelMetric::CostPerParticipant, 2);
        let others = ranking.others.unwrap();
        assert_eq!(others.group.key, OTHERS);
        assert_eq!((others.group.events, others.group.sums.participants), (4, 10));
        assert_eq!(others.value, Some(57.into()));
        let all = Ranking::of(groups(), ChannelMetric::Participants, 0);
        assert!(all.rows.is_empty());
        assert_eq!(all.others.unwrap().value, Some(50.into()));
    }
}
