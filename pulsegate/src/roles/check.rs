use std::{net::SocketAddr, sync::Arc};

use service::Service;
use tokio::net::TcpListener;

use super::{
    base::DatabaseAt,
    print,
    table::{plain, table},
};
use crate::{
    config::{Access, Broker, Check, Database, Key, Serve},
    failure::Failure,
    migrations,
    outbound::{Outbound, PublishedKeys},
};

/// The oldest PostgreSQL that will do.
const OLDEST: u32 = 15;

/// What came of looking at one thing: what was found, or what is wrong with it.
struct Found {
    what: &'static str,
    state: Result<String, String>,
}

/// Asks everything that the settings name, changes nothing, and says what the roles would do.
pub(super) async fn check(config: Check) -> Result<(), Failure> {
    let mut all = vec![Found { what: "settings", state: Ok("all are understood".to_owned()) }];
    all.push(found("database", database(&config.serve.database).await));
    if config.serve.database_read_url.is_some() {
        all.push(found("replica", replica(&config.serve).await));
    }
    all.push(found("cache and bus", redis(&config).await?));
    all.push(found("kafka", kafka(&config).await));
    all.push(found("tokens", tokens(&config.serve.gateway.auth).await));
    all.push(found("HTTP_ADDR", address(config.serve.address, "serve").await));
    all.push(found("CONSUMER_HTTP_ADDR", address(config.consume.address, "consume").await));
    let traces = config.traces.as_ref().map_or("none are sent", |_| "are sent by OTLP over HTTP");
    all.push(found("traces", Ok(traces.to_owned())));

    let rows = all.iter().map(|Found { what, state }| {
        let (verdict, text) = match state {
            Ok(text) => ("ok", text),
            Err(text) => ("FAILED", text),
        };
        [verdict.to_owned(), (*what).to_owned(), plain(text)]
    });
    print(&table(["", "WHAT", "FOUND"], rows))?;
    let failed = all.iter().filter(|found| found.state.is_err()).count();
    if failed == 0 { Ok(()) } else { Err(Failure::Unfit { failed, checked: all.len() }) }
}

fn found(what: &'static str, state: Result<String, String>) -> Found {
    Found { what, state }
}

async fn database(database: &Database) -> Result<String, String> {
    let Database::At(_) = database else {
        return Ok("embedded: `serve` and `consume` would start it and bring its schema up".to_owned());
    };
    // A configured one is not started, so there is nothing to stop.
    let at = DatabaseAt::start(database).await.map_err(|fault| fault.to_string())?;
    let (version, states) = migrations::look(&at.url).await.map_err(|fault| fault.to_string())?;
    let major: Option<u32> = version.split(['.', ' ']).next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major| major < OLDEST) {
        return Err(format!("PostgreSQL {version}; {OLDEST} or later is needed"));
    }
    let pending: Vec<&str> =
        states.iter().filter(|(_, applied)| !applied).map(|(name, _)| name.as_str()).collect();
    Ok(if pending.is_empty() {
        format!("PostgreSQL {version}; all {} migrations are there", states.len())
    } else {
        format!(
            "PostgreSQL {version}; `pulsegate migrate up` would apply {}, until then `serve` and `consume` wait",
            pending.join(", ")
        )
    })
}

async fn replica(serve: &Serve) -> Result<String, String> {
    // Of a configured database, as one that is embedded has no replica: it is not started.
    let database = DatabaseAt::start(&serve.database).await.map_err(|fault| fault.to_string())?;
    let database = database.reading_from(serve.database_read_url.clone());
    let service = database.service(None, serve.cache).map_err(|fault| fault.to_string())?;
    match service.examine_replica().await {
        Ok(Some(Ok(behind))) => Ok(format!("`serve` would read from it; it is {behind} bytes of log behind")),
        Ok(Some(Err(misfit))) => Err(format!("{misfit}; `serve` would read from the primary")),
        Ok(None) => Ok("there is none".to_owned()),
        Err(fault) => Err(format!("{fault}; `serve` would read from the primary")),
    }
}

async fn redis(config: &Check) -> Result<Result<String, String>, Failure> {
    if config.serve.redis_url.is_none() {
        return Ok(Ok("in the process and the database".to_owned()));
    }
    // The cache is asked alone: the database of this service is never connected to by it.
    let nowhere = DatabaseAt::nowhere();
    let service: Arc<Service> = nowhere.service(config.serve.redis_url.clone(), config.serve.cache)?;
    Ok(service.health().await.cache.map(|()| "Redis answers".to_owned()))
}

async fn kafka(config: &Check) -> Result<String, String> {
    let kafka = &config.consume.kafka;
    let Broker::At(brokers) = &kafka.broker else {
        return Ok("embedded: `serve` would start it and fill it with demo data".to_owned());
    };
    let topics =
        consumer::look_for_topics(kafka.consumer(brokers)).await.map_err(|fault| fault.to_string())?;
    let mut told: Vec<String> = Vec::new();
    for topic in topics {
        told.push(match topic.partitions {
            Some(partitions) => format!("{} has {partitions} partitions", topic.name),
            None => format!("`consume` would make {}", topic.name),
        });
    }
    Ok(told.join(", "))
}

async fn tokens(access: &Access) -> Result<String, String> {
    match access {
        Access::Off => Ok("none are needed (AUTH=off): everybody who gets there sees everything".to_owned()),
        Access::Jwt { key: Key::Guessable(_), .. } => {
            Ok("are checked with a secret that is so short that it might be guessed".to_owned())
        }
        Access::Jwt { key: Key::Fixed(_), .. } => {
            Ok("are checked with the key of the configuration".to_owned())
        }
        Access::Jwt { key: Key::Published(address), .. } => {
            let outbound = Outbound::new().map_err(|fault| fault.to_string())?;
            let keys = api::KeySet::new(Box::new(PublishedKeys { address: address.clone(), outbound }));
            match keys.read_once().await {
                Ok(count) => Ok(format!("are checked with the issuer's keys, of which there are {count}")),
                Err(reason) => Err(reason),
            }
        }
    }
}

async fn address(address: SocketAddr, role: &str) -> Result<String, String> {
    match TcpListener::bind(address).await {
        Ok(_) => Ok(format!("`{role}` would listen on {address}")),
        Err(fault) => Err(format!("{address} can't be listened on: {fault}")),
    }
}
