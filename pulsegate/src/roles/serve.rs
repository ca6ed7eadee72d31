use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Arc,
};

use api::{Auth, Gateway, JwtKey, JwtSettings, KeySet};
use consumer::Monitor;
use rand::{RngCore as _, SeedableRng as _, rngs::SmallRng};
use tokio_util::sync::CancellationToken;

use super::{
    base::{BrokerAt, DatabaseAt, await_schema},
    crew::{Consuming, Crew},
    http,
};
use crate::{
    config::{Access, Broker, Key, Serve, variable::HTTP_ADDR},
    failure::Failure,
    outbound::{Outbound, PublishedKeys},
    readiness::{Kafka, Parts},
    telemetry,
    tls::{Certificate, Files},
};

/// What only the command line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) demo: bool,
    pub(super) with_consumer: bool,
    pub(super) migrate: bool,
}

/// The gateway; and the consumer, where the broker is embedded or it is asked for.
pub(super) async fn serve(config: Serve, options: Options, stop: &CancellationToken) -> Result<(), Failure> {
    let listener = http::listen(config.address, &HTTP_ADDR).await?;
    let address = listener.local_addr()?;
    let counts = telemetry::count(stop.clone())?;
    let mut database = DatabaseAt::start(&config.database).await?.reading_from(config.database_read_url);
    let service = database.service(config.redis_url, config.cache)?;
    let apis = if options.demo && config.kafka.broker == Broker::Embedded {
        super::demo::channel_apis(config.channels, service.clock(), stop).await?
    } else {
        config.channels.settings
    };
    service.use_channel_apis(&apis, SmallRng::from_os_rng().next_u64())?;
    let consumes = options.with_consumer || config.kafka.broker == Broker::Embedded;
    let broker = if consumes { Some(Arc::new(BrokerAt::start(&config.kafka).await?)) } else { None };

    service.start(stop.clone());
    let mut crew = Crew::new(stop);
    let monitor = Monitor::default();
    let migrate = options.migrate || database.is_embedded();
    let readiness = Parts {
        service: Arc::clone(&service),
        migrations: migration::names(),
        kafka: broker.as_ref().map(|broker| Kafka {
            monitor: monitor.clone(),
            address: broker.embedded_address(),
            required: false,
        }),
        stop: stop.clone(),
    };
    let settings = api::Settings { auth: auth(config.gateway.auth)?, ..config.gateway.settings };
    if matches!(settings.auth, Auth::Jwt(_)) {
        service.follow_revocations(stop.clone());
    }
    if let Some(keys) = settings.auth.key_set() {
        let (keys, stop) = (Arc::clone(keys), stop.clone());
        crew.hire(async move {
            keys.keep_current(stop).await;
            Ok(())
        });
    }
    let metrics = counts.of(&service);
    let gateway =
        Gateway::new(Arc::clone(&service), settings, Arc::new(readiness), Some(metrics), stop.clone());
    let certificate = config.tls.map(|files| open(files, stop, &mut crew)).transpose()?;
    let is_encrypted = certificate.is_some();
    let front = api::Front::new(gateway.clone());
    let of_peer = move |address| front.of(address);
    crew.hire(http::answer(listener, of_peer, config.http, certificate, stop.clone()));
    crew.hire(async {
        gateway.closed().await;
        Ok(())
    });
    let base = format!("{}://{address}", if is_encrypted { "https" } else { "http" });
    tell(&base, broker.as_deref(), database.is_embedded());
    if let Some(broker) = &broker {
        let (kafka, upkeep, demo) = (config.kafka, config.upkeep, options.demo);
        Consuming { service, kafka, monitor, upkeep, migrate, demo }.join(&mut crew, &database, broker);
    } else {
        let (url, stop) = (database.url.clone(), stop.clone());
        crew.hire(async move {
            await_schema(&service, &url, migrate, &stop).await;
            // Answers on.
            stop.cancelled().await;
            Ok(())
        });
    }

    let outcome = crew.work(&mut database).await;
    database.stop().await?;
    // Last, because its clients complain when it goes before them.
    if let Some(broker) = broker.and_then(Arc::into_inner) {
        broker.stop().await?;
    }
    outcome
}

/// The certificate to speak TLS with, which is kept current from now on.
fn open(files: Files, stop: &CancellationToken, crew: &mut Crew) -> Result<Arc<Certificate>, Failure> {
    let certificate = Certificate::open(files)?;
    let (kept, stop) = (Arc::clone(&certificate), stop.clone());
    crew.hire(async move {
        kept.keep_current(stop).await;
        Ok(())
    });
    Ok(certificate)
}

/// What checks tokens.
pub(super) fn auth(access: Access) -> Result<Auth, Failure> {
    let Access::Jwt { key, issuer, audience } = access else { return Ok(Auth::Off) };
    let key = match key {
        Key::Fixed(key) => key,
        Key::Guessable(key) => {
            let least = JwtKey::SECRET_BYTES;
            tracing::warn!(
                "JWT_HS256_SECRET is shorter than {least} bytes: it might be guessed from a token"
            );
            key
        }
        Key::Published(address) => {
            if address.scheme_str() == Some("http") {
                tracing::warn!("JWT_JWKS_URL is not encrypted: whoever stands in between can make tokens");
            }
            let outbound = Outbound::new()?;
            JwtKey::set(KeySet::new(Box::new(PublishedKeys { address, outbound })))
        }
    };
    Ok(Auth::Jwt(JwtSettings { key, issuer, audience }))
}

/// Says where everything is; on a terminal, and with everything embedded, so that it is seen between the lines.
fn tell(base: &str, broker: Option<&BrokerAt>, embedded_database: bool) {
    tracing::info!(dashboard = %format_args!("{base}/"), graphiql = %format_args!("{base}/graphiql"), "the gateway answers");
    let Some(kafka) = broker.and_then(BrokerAt::embedded_address) else { return };
    if embedded_database && io::stderr().is_terminal() {
        let banner = format!(
            "\n  Pulsegate  {base}\n\n    dashboard  {base}/\n    GraphiQL   {base}/graphiql\n    Kafka      {kafka} (embedded: \
             gone at exit)\n\n    Ctrl-C ends it; the database is kept.\n\n"
        );
        // It is a courtesy.
        let _ = io::stderr().write_all(banner.as_bytes());
    }
}
