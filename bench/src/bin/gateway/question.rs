//! What is asked, and about which of the events.

use std::ops::Range;

use serde_json::{Value, json};

use crate::data::{self, EVENTS_OF_A_USER, FIRST_EVENT, FIRST_USER, Size};
use crate::load::{Requests, request};

/// A query, asked about one of many at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// An event with ROI, channels and 30 days.
    Dashboard,
    /// A user's events with channels.
    UserEvents,
    /// The best of all by ROI.
    Top20,
    /// An event's last 168 hours.
    Hours,
}

const DASHBOARD: &str = "
query Dashboard($id: ID!, $from: DateTime!, $to: DateTime!) { event(eventId: $id) {
  eventId title status totalParticipants totalViews updatedAt
  roi { totalInvestment expectedRevenue netProfit roi estimatedRoi targetRoi targetAchievement distributionCost
    costPerParticipant costPerConversion revenuePerParticipant }
  channels { channelName channelType impressions views clicks participants conversions distributionCost
    clickThroughRate conversionRate engagementRate costPerParticipant }
  timeline(granularity: DAY, range: { from: $from, to: $to }) {
    points { start participants views engagement conversions cumulativeParticipants }
    totals { participants views engagement conversions } } } }";

const USER_EVENTS: &str = "
query UserEvents($id: ID!) { user(userId: $id) { events(first: 10) { nodes {
  eventId title status totalParticipants totalViews
  channels { channelName channelType impressions views clicks participants conversions distributionCost } } } } }";

const TOP20: &str = "
query Top20 { events(first: 20, orderBy: { field: ROI, direction: DESC }) {
  nodes { eventId title totalParticipants totalViews } pageInfo { hasNextPage endCursor } } }";

const HOURS: &str = "
query Hours($id: ID!, $from: DateTime!, $to: DateTime!) { event(eventId: $id) {
  eventId title totalParticipants
  timeline(granularity: HOUR, range: { from: $from, to: $to }) {
    points { start participants views engagement conversions cumulativeParticipants } } } }";

impl Question {
    /// Of how many it can be asked.
    pub(crate) fn subjects(self, size: Size) -> usize {
        match self {
            Self::Dashboard | Self::Hours => size.with_timeline,
            Self::UserEvents => size.events / EVENTS_OF_A_USER,
            Self::Top20 => 1,
        }
    }

    pub(crate) fn request(self, subject: usize) -> Vec<u8> {
        let (document, variables) = self.written(subject);
        request(document, &variables)
    }

    /// About these of them, in an order that jumps.
    pub(crate) fn requests(self, subjects: Range<usize>) -> Requests {
        let count = subjects.len();
        (0..count).map(|number| self.request(subjects.start + number * 7_919 % count)).collect()
    }

    fn written(self, subject: usize) -> (&'static str, Value) {
        let event = (FIRST_EVENT + subject).to_string();
        match self {
            Self::Dashboard => (DASHBOARD, json!({ "id": event, "from": data::FROM, "to": data::TO })),
            Self::Hours => (HOURS, json!({ "id": event, "from": data::LAST_WEEK, "to": data::TO })),
            Self::UserEvents => (USER_EVENTS, json!({ "id": (FIRST_USER + subject).to_string() })),
            Self::Top20 => (TOP20, json!({})),
        }
    }

    /// The variables of pgbench that stand for the subject's ids: name, the text that the ids have for `subject`, and
    /// the expression that gives them.
    pub(crate) fn variables(self, subject: usize, size: Size) -> Vec<(String, String, String)> {
        let last = self.subjects(size) - 1;
        let chosen = |first: usize| format!("random({first}, {})", first + last);
        match self {
            Self::Dashboard | Self::Hours => {
                vec![("id".to_owned(), (FIRST_EVENT + subject).to_string(), chosen(FIRST_EVENT))]
            }
            Self::UserEvents => {
                let first = FIRST_EVENT + subject * EVENTS_OF_A_USER;
                let user = ("id".to_owned(), (FIRST_USER + subject).to_string(), chosen(FIRST_USER));
                let events = (0..EVENTS_OF_A_USER).map(|number| {
                    let expression =
                        format!("{} + (:id - {FIRST_USER}) * {EVENTS_OF_A_USER}", FIRST_EVENT + number);
                    (format!("event{number}"), (first + number).to_string(), expression)
                });
                [user].into_iter().chain(events).collect()
            }
            Self::Top20 => Vec::new(),
        }
    }
}
