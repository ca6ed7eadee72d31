use async_graphql::{InputType, Name, ScalarType, Value, resolver_utils::EnumType};
use service::read::TimelineSpec;

use super::{
    Comparison, Granularity, TimeRangeInput,
    input::{spec, timeline_cost},
};
use crate::{
    error::Fault,
    graphql::scalar::{TimeZone, allowed},
};

const ARGUMENTS: &str = "granularity, timeZone, from, to, last, fillGaps, compareTo";
/// What each point is counted as: its row.
const ROW: usize = 10;

/// The arguments of `EventAnalytics.timeline` as texts, those of its `range` among them, and what a timeline costs that
/// is asked for so.
///
/// # Errors
/// The argument that is unknown, given twice or wrong.
pub(crate) fn from_texts(
    texts: impl IntoIterator<Item = (String, String)>,
) -> Result<(TimelineSpec, usize), Fault> {
    let mut granularity = Granularity::Hour;
    let mut time_zone = TimeZone::UTC;
    let mut range = TimeRangeInput::default();
    let mut fill_gaps = true;
    let mut compare_to = None;
    let mut seen = Vec::new();
    for (argument, text) in texts {
        match argument.as_str() {
            "granularity" => granularity = one_of(&argument, &text)?,
            "compareTo" => compare_to = Some(one_of::<Comparison>(&argument, &text)?),
            "timeZone" => time_zone = scalar(&argument, &text)?,
            "from" => range.from = Some(scalar(&argument, &text)?),
            "to" => range.to = Some(scalar(&argument, &text)?),
            "last" => range.last = Some(scalar(&argument, &text)?),
            "fillGaps" => {
                fill_gaps = text.parse().map_err(|_| {
                    Fault::input(&argument, format!("is \"{text}\"; true and false are allowed"))
                })?;
            }
            _ => return Err(Fault::input(&argument, format!("is unknown; {ARGUMENTS} are allowed"))),
        }
        if seen.contains(&argument) {
            return Err(Fault::input(&argument, "is given twice; give it once"));
        }
        seen.push(argument);
    }
    let cost = timeline_cost(granularity, Some(&range), ROW);
    Ok((spec(granularity, Some(range), time_zone, fill_gaps, compare_to), cost))
}

fn scalar<T: ScalarType + InputType>(argument: &str, text: &str) -> Result<T, Fault> {
    <T as ScalarType>::parse(Value::from(text)).map_err(|_| {
        let allowed = allowed(&T::type_name()).unwrap_or_default();
        Fault::input(argument, format!("is \"{text}\"; give {allowed}"))
    })
}

fn one_of<T: EnumType + InputType>(argument: &str, text: &str) -> Result<T, Fault> {
    <T as InputType>::parse(Some(Value::Enum(Name::new(text)))).map_err(|_| {
        let names: Vec<_> = T::items().iter().map(|item| item.name).collect();
        Fault::input(argument, format!("is \"{text}\"; {} are allowed", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[(&str, &str)]) -> Result<(TimelineSpec, usize), String> {
        from_texts(texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
            .map_err(|fault| fault.message)
    }

    #[test]
    fn every_argument_of_the_field_is_read() {
        let (spec, cost) = read(&[
            ("granularity", "DAY"),
            ("timeZone", "Asia/Seoul"),
            ("last", "P30D"),
            ("to", "2026-01-05T00:00:00Z"),
            ("fillGaps", "false"),
            ("compareTo", "PREVIOUS_WEEK"),
        ])
        .unwrap();
        assert_eq!(spec.granularity, service::domain::Granularity::Day);
        assert_eq!((spec.zone, spec.fill_gaps), (chrono_tz::Asia::Seoul, false));
        assert_eq!(spec.compare_to, Some(service::timeline::Comparison::PreviousWeek));
        assert!(spec.range.last.is_some() && spec.range.to.is_some() && spec.range.from.is_none());
        assert_eq!(cost, 311);
        let (spec, _) = read(&[]).unwrap();
        assert_eq!((spec.granularity, spec.fill_gaps), (service::domain::Granularity::Hour, true));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_allowed() {
        for (argument, text, part) in [
            ("granularity", "YEAR", "MINUTE, HOUR, DAY, WEEK, MONTH are allowed"),
            ("granularity", "", "is \"\""),
            ("timeZone", "Seoul", "IANA"),
            ("from", "today", "RFC 3339"),
            ("last", "7d", "ISO 8601"),
            ("fillGaps", "yes", "true and false"),
            ("compareTo", "LAST_YEAR", "PREVIOUS_PERIOD"),
            ("first", "10", "is unknown; granularity"),
        ] {
            let told = read(&[(argument, text)]).unwrap_err();
            assert!(told.starts_with(&format!("Argument `{argument}` ")) && told.contains(part), "{told}");
        }
        assert!(read(&[("last", "P1D"), ("last", "P2D")]).unwrap_err().contains("twice"));
    }
}
