//! Configuration: flags over environment over a TOML file, each read, checked and named in one way.

mod channels;
mod gateway;
mod kafka;
mod layers;
mod mistake;
pub(crate) mod parse;
mod reader;
mod tools;
pub(crate) mod variable;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;
use service::Upkeep;
use tracing_subscriber::EnvFilter;

use crate::tls;

pub(crate) use self::{
    channels::Channels,
    gateway::{Access, Gateway, Key},
    kafka::{Broker, Kafka},
    layers::{File, Layers},
    mistake::{Mistake, Mistakes},
    tools::{Check, Rebuild, Revoker, dead_letters, revoker},
};
use self::{reader::Reader, variable as v};

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Logging {
    pub(crate) filter: String,
    pub(crate) json: bool,
    /// The base of the collector that traces go to.
    pub(crate) traces: Option<String>,
}

/// How connections are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Http {
    /// How long the headers of a request may take, and the first byte of the first one.
    pub(crate) header_timeout: Duration,
    /// How long it is answered on when the process is asked to stop.
    pub(crate) shutdown_grace: Duration,
    /// How long a client may take nothing of what it is sent.
    pub(crate) send_timeout: Duration,
    /// Bytes of a request's first line.
    pub(crate) longest_line: u64,
}

/// Where the tables are.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// A private PostgreSQL.
    Embedded {
        data_dir: PathBuf,
        /// Where its programs are, if the user says so.
        programs: Option<PathBuf>,
    },
    /// The URL of a server.
    At(SecretString),
}

/// For `serve`.
pub(crate) struct Serve {
    pub(crate) database: Database,
    /// A replica of it.
    pub(crate) database_read_url: Option<SecretString>,
    pub(crate) redis_url: Option<SecretString>,
    /// Whether answers may come from a cache.
    pub(crate) cache: bool,
    pub(crate) kafka: Kafka,
    pub(crate) channels: Channels,
    pub(crate) upkeep: Upkeep,
    pub(crate) address: SocketAddr,
    pub(crate) http: Http,
    /// What it speaks TLS with, if it does.
    pub(crate) tls: Option<tls::Files>,
    pub(crate) gateway: Gateway,
}

/// For `consume`.
pub(crate) struct Consume {
    pub(crate) database: Database,
    pub(crate) redis_url: Option<SecretString>,
    pub(crate) kafka: Kafka,
    pub(crate) channels: Channels,
    pub(crate) upkeep: Upkeep,
    pub(crate) address: SocketAddr,
    pub(crate) http: Http,
}

const GATEWAY_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const PROBES_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8081);
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);
const PROBES_SEND_TIMEOUT: Duration = Duration::from_secs(20);
const PROCESSED_RETENTION: Duration = Duration::from_secs(30 * 86_400);
/// What the database driver passes on of PostgreSQL's notices is of no use to anybody.
const LOG: &str = "info,sqlx=warn";
const DATA_DIR: &str = "./.pulsegate";

impl Serve {
    pub(crate) fn read(layers: &Layers) -> Result<(Logging, Self), Mistakes> {
        let mut reader = Reader::new(layers);
        let value = (logging(&mut reader), Self::take(&mut reader));
        reader.finish(value)
    }

    fn take(reader: &mut Reader<'_>) -> Self {
        let (address, gateway) = gateway::read(reader, GATEWAY_ADDRESS);
        let longest_line = gateway.settings.limits.bytes;
        let send_timeout = gateway.settings.ws_send_timeout;
        let database = database(reader);
        Self {
            database_read_url: replica(reader, &database),
            database,
            redis_url: reader.read(&v::REDIS_URL, parse::redis_url),
            cache: reader.read(&v::CACHE, parse::switch).unwrap_or(true),
            kafka: Kafka::read(reader),
            channels: Channels::read(reader),
            upkeep: upkeep(reader),
            address,
            http: http(reader, send_timeout, longest_line),
            tls: tls(reader),
            gateway,
        }
    }
}

impl Consume {
    pub(crate) fn read(layers: &Layers) -> Result<(Logging, Self), Mistakes> {
        let mut reader = Reader::new(layers);
        let value = (logging(&mut reader), Self::take(&mut reader));
        reader.finish(value)
    }

    fn take(reader: &mut Reader<'_>) -> Self {
        Self {
            database: database(reader),
            redis_url: reader.read(&v::REDIS_URL, parse::redis_url),
            kafka: Kafka::read(reader),
            channels: Channels::read(reader),
            upkeep: upkeep(reader),
            address: reader.read(&v::CONSUMER_HTTP_ADDR, parse::address).unwrap_or(PROBES_ADDRESS),
            http: http(reader, PROBES_SEND_TIMEOUT, 0),
        }
    }
}

/// For `migrate`.
pub(crate) fn migrate(layers: &Layers) -> Result<(Logging, Database), Mistakes> {
    let mut reader = Reader::new(layers);
    let value = (logging(&mut reader), database(&mut reader));
    reader.finish(value)
}

/// For `demo`, which needs a Kafka that others read too.
pub(crate) fn demo(layers: &Layers) -> Result<(Logging, Kafka, String), Mistakes> {
    let mut reader = Reader::new(layers);
    let logging = logging(&mut reader);
    let kafka = Kafka::read(&mut reader);
    let brokers = match &kafka.broker {
        Broker::At(brokers) => brokers.clone(),
        Broker::Embedded => {
            if layers.find(&v::KAFKA_BROKERS).is_none() {
                let what = "is not set, and the demo goes to a Kafka that is there; allowed: host:port,... (`pulsegate serve` without KAFKA_BROKERS brings a demo of its own)";
                reader.wrong(&v::KAFKA_BROKERS, what);
            }
            String::new()
        }
    };
    reader.finish((logging, kafka, brokers))
}

fn database(reader: &mut Reader<'_>) -> Database {
    let data_dir = reader.read(&v::DATA_DIR, parse::text).unwrap_or_else(|| DATA_DIR.to_owned());
    let programs = reader.read(&v::PULSEGATE_PG_BIN, parse::text);
    reader.read(&v::DATABASE_URL, parse::database_url).map_or_else(
        || Database::Embedded { data_dir: data_dir.into(), programs: programs.map(PathBuf::from) },
        Database::At,
    )
}

/// An embedded database has none.
fn replica(reader: &mut Reader<'_>, database: &Database) -> Option<SecretString> {
    let url = reader.read(&v::DATABASE_READ_URL, parse::database_url)?;
    if matches!(database, Database::Embedded { .. }) && reader.layers.find(&v::DATABASE_URL).is_none() {
        reader.wrong(
            &v::DATABASE_READ_URL,
            "is set, and DATABASE_URL is not: set the address of the primary, too",
        );
    }
    Some(url)
}

fn http(reader: &mut Reader<'_>, send_timeout: Duration, longest_line: u64) -> Http {
    Http {
        header_timeout: reader.read(&v::HTTP_HEADER_TIMEOUT, parse::duration).unwrap_or(HEADER_TIMEOUT),
        shutdown_grace: reader.read(&v::SHUTDOWN_GRACE, parse::grace).unwrap_or(SHUTDOWN_GRACE),
        send_timeout,
        longest_line,
    }
}

/// Both files or none; they are looked into, so that what is wrong with them is told at once.
fn tls(reader: &mut Reader<'_>) -> Option<tls::Files> {
    let certificate = reader.read(&v::HTTP_TLS_CERT_FILE, parse::text);
    let key = reader.read(&v::HTTP_TLS_KEY_FILE, parse::text);
    let (certificate, key) = match (certificate, key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) => return None,
        (Some(_), None) => {
            reader
                .wrong(&v::HTTP_TLS_KEY_FILE, "is not set, and HTTP_TLS_CERT_FILE is; allowed: both or none");
            return None;
        }
        (None, Some(_)) => {
            reader
                .wrong(&v::HTTP_TLS_CERT_FILE, "is not set, and HTTP_TLS_KEY_FILE is; allowed: both or none");
            return None;
        }
    };
    let files = tls::Files { certificate: certificate.into(), key: key.into() };
    if let Err(fault) = files.check() {
        let of_certificate = fault.is_of_certificate(&files);
        let variable = if of_certificate { &v::HTTP_TLS_CERT_FILE } else { &v::HTTP_TLS_KEY_FILE };
        reader.wrong(variable, fault.to_string());
    }
    Some(files)
}

fn upkeep(reader: &mut Reader<'_>) -> Upkeep {
    let minute_days = reader.read(&v::TIMELINE_MINUTE_DAYS, parse::days);
    Upkeep {
        minute_days: minute_days.unwrap_or(8),
        merge_eagerly: minute_days.is_some(),
        timeline_retention: reader.read(&v::TIMELINE_RETENTION, parse::retention_or_off).flatten(),
        processed_retention: reader
            .read(&v::PROCESSED_RETENTION, parse::retention)
            .unwrap_or(PROCESSED_RETENTION),
    }
}

fn logging(reader: &mut Reader<'_>) -> Logging {
    let filter = reader.read(&v::LOG, |text| match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(fault) => Err(format!("{text:?} is no filter ({fault}); allowed: off, error, warn, info, debug, trace, or target=level with commas between them")),
    });
    let json = reader.read(&v::LOG_FORMAT, |text| match text {
        "text" => Ok(false),
        "json" => Ok(true),
        _ => Err(format!("is {text:?}; allowed: text, json")),
    });
    let traces = reader
        .read(&v::OTEL_EXPORTER_OTLP_ENDPOINT, |text| parse::web_address(text).map(|_| text.to_owned()));
    Logging { filter: filter.unwrap_or_else(|| LOG.to_owned()), json: json.unwrap_or(false), traces }
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
    fn with_nothing_set_all_parts_are_embedded() {
        let (logging, serve) = Serve::read(&layers(&[])).unwrap();
        assert_eq!(logging, Logging { filter: LOG.to_owned(), json: false, traces: None });
        assert!(
            matches!(serve.database, Database::Embedded { data_dir, programs: None } if data_dir == *"./.pulsegate")
        );
        assert_eq!(serve.kafka.broker, Broker::Embedded);
        assert!(serve.redis_url.is_none());
    }

    #[test]
    fn all_mistakes_of_a_role_are_told_at_once() {
        let wrong = layers(&[
            ("LOG", "consumer=loud"),
            ("LOG_FORMAT", "xml"),
            ("DATABASE_URL", "x"),
            ("REDIS_URL", "x"),
            ("KAFKA_BROKERS", "x"),
            ("KAFKA_TOPIC_DEAD_LETTER", "a b"),
            ("CONSUMER_HTTP_ADDR", "x"),
        ]);
        let Err(mistakes) = Consume::read(&wrong) else { panic!("nothing was wrong") };
        let text = mistakes.to_string();
        assert_eq!(text.lines().count(), 7, "{text}");
        for name in wrong.environment.keys() {
            assert!(
                text.lines().any(|line| line.starts_with(&format!("pulsegate: {name}: "))),
                "{name} in {text}"
            );
        }
    }

    #[test]
    fn a_replica_needs_its_primary() {
        let with = |pairs: &[(&str, &str)]| {
            Serve::read(&layers(pairs))
                .map(|(_, serve)| serve.database_read_url.is_some())
                .map_err(|mistakes| mistakes.to_string())
        };
        let primary = ("DATABASE_URL", "postgres://h/d");
        assert_eq!(with(&[primary]), Ok(false));
        assert_eq!(with(&[primary, ("DATABASE_READ_URL", "postgres://replica/d")]), Ok(true));
        let told = with(&[("DATABASE_READ_URL", "postgres://u:hunter2@replica/d")]).unwrap_err();
        assert!(
            told.starts_with("pulsegate: DATABASE_READ_URL: ") && told.contains("DATABASE_URL is not"),
            "{told}"
        );
        let told = with(&[primary, ("DATABASE_READ_URL", "hunter2")]).unwrap_err();
        assert!(told.starts_with("pulsegate: DATABASE_READ_URL: ") && !told.contains("hunter2"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }

    #[test]
    fn tls_needs_a_certificate_and_its_key() {
        let tls = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tests/integration/security/tls");
            format!("{folder}/{name}.pem")
        };
        let with = |certificate: &str, key: &str| {
            let pairs = [("HTTP_TLS_CERT_FILE", certificate), ("HTTP_TLS_KEY_FILE", key)];
            Serve::read(&layers(&pairs)).map(|(_, serve)| serve.tls).map_err(|mistakes| mistakes.to_string())
        };
        let (certificate, key) = (tls("first"), tls("first.key"));
        assert!(with(&certificate, &key).unwrap().is_some());
        assert!(with("", "").unwrap().is_none());
        for (certificate, key, place, what) in [
            (certificate.as_str(), "", "HTTP_TLS_KEY_FILE", "both or none"),
            ("", key.as_str(), "HTTP_TLS_CERT_FILE", "both or none"),
            ("/no/such/file", &key, "HTTP_TLS_CERT_FILE", "can't be read"),
            (&key, &key, "HTTP_TLS_CERT_FILE", "no certificate"),
            (&certificate, &certificate, "HTTP_TLS_KEY_FILE", "no private key"),
            (&certificate, &tls("second.key"), "HTTP_TLS_KEY_FILE", "do not go together"),
        ] {
            let told = with(certificate, key).unwrap_err();
            assert!(told.starts_with(&format!("pulsegate: {place}: ")) && told.contains(what), "{told}");
            assert_eq!(told.lines().count(), 1, "{told}");
        }
    }

    #[test]
    fn what_librdkafka_does_not_know_is_refused_by_the_name_of_its_variable() {
        let Err(mistakes) = Consume::read(&layers(&[("KAFKA_NO_SUCH_THING", "1")])) else { panic!("taken") };
        assert!(mistakes.to_string().starts_with("pulsegate: KAFKA_NO_SUCH_THING: "), "{mistakes}");
        let Err(mistakes) = Consume::read(&layers(&[("KAFKA_BOOTSTRAP_SERVERS", "a:1")])) else {
            panic!("taken")
        };
        assert!(mistakes.to_string().contains("KAFKA_BROKERS says where"), "{mistakes}");
    }

    #[test]
    fn the_demo_needs_a_broker_by_name() {
        let Err(mistakes) = demo(&layers(&[])) else { panic!("taken") };
        assert!(mistakes.to_string().starts_with("pulsegate: KAFKA_BROKERS: is not set"), "{mistakes}");
        assert!(demo(&layers(&[("KAFKA_BROKERS", "a:1")])).is_ok());
    }
}
