//! For the tools of operators, which work on a Kafka that is there.

use secrecy::SecretString;
use service::Upkeep;

use super::{
    Broker, Consume, Database, Kafka, Layers, Logging, Mistakes, Serve, database, logging, parse,
    reader::Reader, upkeep, variable as v,
};

/// A tool's own lines are what it has to say. What goes wrong with Kafka it says itself, in one line.
const LOG: &str = "warn,sqlx=error,librdkafka=off,rdkafka=off";

/// For `rebuild`.
pub(crate) struct Rebuild {
    pub(crate) database: Database,
    pub(crate) redis_url: Option<SecretString>,
    pub(crate) kafka: consumer::Settings,
    pub(crate) upkeep: Upkeep,
}

impl Rebuild {
    pub(crate) fn read(layers: &Layers) -> Result<(Logging, Self), Mistakes> {
        let mut reader = Reader::new(layers);
        let logging = quiet(&mut reader);
        let rebuild = Self {
            database: database(&mut reader),
            redis_url: reader.read(&v::REDIS_URL, parse::redis_url),
            kafka: kafka(&mut reader),
            upkeep: upkeep(&mut reader),
        };
        reader.finish((logging, rebuild))
    }
}

/// For `revoke`: where it is kept, and by what it is told.
pub(crate) struct Revoker {
    pub(crate) database: Database,
    pub(crate) redis_url: Option<SecretString>,
}

/// For `revoke`.
pub(crate) fn revoker(layers: &Layers) -> Result<(Logging, Revoker), Mistakes> {
    let mut reader = Reader::new(layers);
    let logging = quiet(&mut reader);
    let database = database(&mut reader);
    let redis_url = reader.read(&v::REDIS_URL, parse::redis_url);
    reader.finish((logging, Revoker { database, redis_url }))
}

/// For `check`: all that the other roles read.
pub(crate) struct Check {
    pub(crate) serve: Serve,
    pub(crate) consume: Consume,
    pub(crate) traces: Option<String>,
}

impl Check {
    pub(crate) fn read(layers: &Layers) -> Result<(Logging, Self), Mistakes> {
        let mut reader = Reader::new(layers);
        let logging = quiet(&mut reader);
        let (serve, consume) = (Serve::take(&mut reader), Consume::take(&mut reader));
        // What is looked for is not told by traces.
        let check = Self { serve, consume, traces: logging.traces.clone() };
        reader.finish((Logging { traces: None, ..logging }, check))
    }
}

/// For `dlq`.
pub(crate) fn dead_letters(layers: &Layers) -> Result<(Logging, consumer::Settings), Mistakes> {
    let mut reader = Reader::new(layers);
    let value = (quiet(&mut reader), kafka(&mut reader));
    reader.finish(value)
}

fn quiet(reader: &mut Reader<'_>) -> Logging {
    let said = reader.layers.find(&v::LOG).is_some();
    let logging = logging(reader);
    if said { logging } else { Logging { filter: LOG.to_owned(), ..logging } }
}

fn kafka(reader: &mut Reader<'_>) -> consumer::Settings {
    let kafka = Kafka::read(reader);
    match &kafka.broker {
        Broker::At(brokers) => kafka.consumer(brokers),
        Broker::Embedded => {
            if reader.layers.find(&v::KAFKA_BROKERS).is_none() {
                reader.wrong(
                    &v::KAFKA_BROKERS,
                    "is not set, and this works on a Kafka that is there; allowed: host:port,...",
                );
            }
            kafka.consumer("")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(pairs: &[(&str, &str)]) -> Layers {
        let environment =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Layers { environment, ..Layers::default() }
    }

    #[test]
    fn the_tools_need_a_broker_by_name() {
        let Err(mistakes) = dead_letters(&layers(&[])) else { panic!("taken") };
        assert!(mistakes.to_string().starts_with("pulsegate: KAFKA_BROKERS: is not set"), "{mistakes}");
        assert_eq!(mistakes.to_string().lines().count(), 1);
        let Err(mistakes) = Rebuild::read(&layers(&[])) else { panic!("taken") };
        assert!(mistakes.to_string().starts_with("pulsegate: KAFKA_BROKERS: is not set"), "{mistakes}");
    }

    #[test]
    fn a_check_tells_each_mistake_once() {
        let wrong = layers(&[("DATABASE_URL", "x"), ("HTTP_ADDR", "x"), ("CONSUMER_HTTP_ADDR", "x")]);
        let Err(mistakes) = Check::read(&wrong) else { panic!("taken") };
        assert_eq!(mistakes.to_string().lines().count(), 3, "{mistakes}");
    }

    #[test]
    fn they_are_quiet_unless_asked() {
        let (logging, settings) = dead_letters(&layers(&[("KAFKA_BROKERS", "a:1")])).unwrap();
        assert_eq!((logging.filter.as_str(), settings.brokers.as_str()), (LOG, "a:1"));
        let (logging, _) = dead_letters(&layers(&[("KAFKA_BROKERS", "a:1"), ("LOG", "debug")])).unwrap();
        assert_eq!(logging.filter, "debug");
    }
}
