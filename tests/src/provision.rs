//! Installs what the tests need and this machine lacks, where that can be done without asking.

use std::env;

use crate::servers::{jars::Jars, nginx, postgres, redis};
use crate::services::{DATABASE_URL, KAFKA_BROKERS, REDIS_URL};
use crate::system::{browser, container, packages, program};

/// Something that is here, or named in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Here {
    Docker,
    Postgres,
    Redis,
    Broker,
    Java,
    /// Maven, or what it would fetch.
    KafkaArtifacts,
    Kcat,
    Browser,
    Proxy,
}

fn look() -> Vec<Here> {
    let named = |variable: &str| env::var_os(variable).is_some_and(|value| !value.is_empty());
    let looked = [
        (Here::Docker, container::engine_answers()),
        (Here::Postgres, named(DATABASE_URL) || postgres::Source::find().is_ok()),
        (Here::Redis, named(REDIS_URL) || redis::Source::find().is_ok()),
        (Here::Broker, named(KAFKA_BROKERS)),
        (Here::Java, Jars::java_is_here()),
        (Here::KafkaArtifacts, Jars::are_here() || program::find("mvn").is_some()),
        (Here::Kcat, program::find("kcat").is_some()),
        (Here::Browser, browser::find().is_some()),
        (Here::Proxy, nginx::find().is_some()),
    ];
    looked.into_iter().filter(|(_, is_here)| *is_here).map(|(part, _)| part).collect()
}

/// The Debian packages that are missing.
fn missing_packages(here: &[Here]) -> Vec<&'static str> {
    use Here::{Broker, Browser, Docker, Java, KafkaArtifacts, Kcat, Postgres, Proxy, Redis};
    let wanted: [(&str, &[Here]); 8] = [
        ("postgresql", &[Docker, Postgres]),
        ("redis-server", &[Docker, Redis]),
        ("default-jre-headless", &[Docker, Broker, Java]),
        ("maven", &[Docker, Broker, KafkaArtifacts]),
        // The producer that is not our own code runs on this machine in any case.
        ("kcat", &[Kcat]),
        ("chromium", &[Browser]),
        // The pages are Korean too.
        ("fonts-noto-cjk", &[Browser]),
        ("nginx-light", &[Proxy]),
    ];
    let needed = wanted.into_iter().filter(|(_, instead)| !instead.iter().any(|part| here.contains(part)));
    needed.map(|(package, _)| package).collect()
}

/// Installs the missing Debian packages; says with `tell` what it does, and what it can't do.
pub fn provision(tell: impl Fn(&str)) {
    let missing = missing_packages(&look());
    if missing.is_empty() {
        return;
    }
    let names = missing.join(" ");
    if !packages::installable() {
        tell(&format!("missing, and can't be installed without root on a Debian system: {names}"));
        return;
    }
    tell(&format!("installing the Debian packages {names} (servers among them are not started)"));
    if let Err(error) = packages::install(&missing) {
        tell(&format!("{error:#}"));
    }
}

#[cfg(test)]
mod tests {
    use super::{Here, missing_packages};

    #[test]
    fn a_bare_machine_gets_everything() {
        let packages = [
            "postgresql",
            "redis-server",
            "default-jre-headless",
            "maven",
            "kcat",
            "chromium",
            "fonts-noto-cjk",
            "nginx-light",
        ];
        assert_eq!(missing_packages(&[]), packages);
    }

    #[test]
    fn a_machine_with_docker_gets_the_independent_clients_only() {
        assert_eq!(missing_packages(&[Here::Docker]), ["kcat", "chromium", "fonts-noto-cjk", "nginx-light"]);
    }

    #[test]
    fn what_is_here_or_named_is_not_installed() {
        assert_eq!(
            missing_packages(&[Here::Postgres, Here::Broker, Here::Kcat, Here::Browser, Here::Proxy]),
            ["redis-server"]
        );
        assert_eq!(
            missing_packages(&[
                Here::Postgres,
                Here::Redis,
                Here::Java,
                Here::Kcat,
                Here::Browser,
                Here::Proxy
            ]),
            ["maven"]
        );
    }
}
