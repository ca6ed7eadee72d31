use std::{collections::BTreeMap, time::Duration};

use service::{channel_api::Settings, domain::ChannelType};

use super::{parse, reader::Reader, variable as v};

const TIMEOUT: Duration = Duration::from_secs(2);
const FAILURES: u32 = 5;
const OPEN: Duration = Duration::from_secs(30);

/// The external APIs of channels.
#[derive(Clone, Debug)]
pub(crate) struct Channels {
    /// With the default interval where none is said.
    pub(crate) settings: Settings,
    /// Whether one is said.
    pub(crate) is_interval_said: bool,
}

impl Channels {
    pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let bases: BTreeMap<_, _> = [
            (ChannelType::Tv, v::CHANNEL_API_TV_URL),
            (ChannelType::Sns, v::CHANNEL_API_SNS_URL),
            (ChannelType::Voice, v::CHANNEL_API_VOICE_URL),
        ]
        .into_iter()
        .filter_map(|(kind, variable)| Some((kind, reader.read(&variable, parse::base_url)?)))
        .collect();
        let interval = reader.read(&v::CHANNEL_REFRESH_INTERVAL, parse::duration);
        let failures = reader.read(&v::CHANNEL_BREAKER_FAILURES, |text| {
            u32::try_from(parse::count(text)?).map_err(|_| "is more than can be counted".to_owned())
        });
        let settings = Settings {
            bases,
            interval: interval.unwrap_or(Self::INTERVAL),
            timeout: reader.read(&v::CHANNEL_API_TIMEOUT, parse::duration).unwrap_or(TIMEOUT),
            breaker_failures: failures.unwrap_or(FAILURES),
            breaker_open: reader.read(&v::CHANNEL_BREAKER_OPEN, parse::duration).unwrap_or(OPEN),
        };
        Self { settings, is_interval_said: interval.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::Layers;

    fn read_with(pairs: &[(&str, &str)]) -> Result<Channels, String> {
        let environment =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let layers = Layers { environment, ..Layers::default() };
        let mut reader = Reader::new(&layers);
        let value = Channels::read(&mut reader);
        reader.finish(value).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn by_default_no_channel_is_refreshed() {
        let Channels { settings, is_interval_said } = read_with(&[]).unwrap();
        assert!(settings.bases.is_empty() && !is_interval_said);
        assert_eq!((settings.interval, settings.timeout), (Duration::from_secs(60), Duration::from_secs(2)));
        assert_eq!((settings.breaker_failures, settings.breaker_open), (5, Duration::from_secs(30)));
    }

    #[test]
    fn each_type_has_an_api_of_its_own() {
        let channels = read_with(&[
            ("CHANNEL_API_SNS_URL", "http://sns.example/v1"),
            ("CHANNEL_REFRESH_INTERVAL", "500ms"),
            ("CHANNEL_BREAKER_FAILURES", "2"),
        ])
        .unwrap();
        assert_eq!(channels.settings.bases.keys().copied().collect::<Vec<_>>(), [ChannelType::Sns]);
        assert_eq!(channels.settings.breaker_failures, 2);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let wrong = [
            ("CHANNEL_API_TV_URL", "tv.example"),
            ("CHANNEL_REFRESH_INTERVAL", "0s"),
            ("CHANNEL_API_TIMEOUT", "soon"),
            ("CHANNEL_BREAKER_FAILURES", "0"),
            ("CHANNEL_BREAKER_OPEN", "-1s"),
        ];
        let text = read_with(&wrong).unwrap_err();
        for (name, _) in wrong {
            assert!(text.lines().any(|line| line.starts_with(&format!("pulsegate: {name}: "))), "{text}");
        }
    }
}
