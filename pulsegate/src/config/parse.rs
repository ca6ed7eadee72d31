//! From a text to a value, or to what is wrong with it and what is allowed instead.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use api::{Networks, Origins};
use http::Uri;
use ipnet::IpNet;
use secrecy::SecretString;
use service::channel_api::BaseUrl;
use url::Url;

const HOUR: u64 = 3_600;

pub(crate) type Parsed<T> = Result<T, String>;

#[expect(clippy::unnecessary_wraps, reason = "it stands where the other parsers do")]
pub(crate) fn text(text: &str) -> Parsed<String> {
    Ok(text.to_owned())
}

/// An address to listen on. Names are not looked up, but for the one that always means the same.
pub(crate) fn address(text: &str) -> Parsed<SocketAddr> {
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    local
        .map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
        .or_else(|| text.parse().ok())
        .ok_or_else(|| {
            format!("{text:?} is no address; allowed: an IP address and a port, e.g. 127.0.0.1:8080")
        })
}

/// `500ms`, `60s`, `2m`: more than nothing, at most a day.
pub(crate) fn duration(text: &str) -> Parsed<Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|duration| !duration.is_zero() && *duration <= Duration::from_secs(86_400))
        .ok_or_else(|| {
            format!("{text:?} is no duration; allowed: more than 0 and at most 1day, e.g. 500ms, 60s, 2m")
        })
}

/// `1s`: at most 5 s, as everything that has to be done at the end fits into 10 s.
pub(crate) fn grace(text: &str) -> Parsed<Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|duration| *duration <= Duration::from_secs(5))
        .ok_or_else(|| format!("{text:?} is no time to answer on for; allowed: 0s to 5s"))
}

/// `30d`: at least an hour, at most a century.
pub(crate) fn retention(text: &str) -> Parsed<Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|duration| (HOUR..=36_525 * 24 * HOUR).contains(&duration.as_secs()))
        .map(|duration| Duration::from_secs(duration.as_secs()))
        .ok_or_else(|| {
            format!("{text:?} is no time to keep things for; allowed: 1h to 36525d, e.g. 12h, 30d")
        })
}

pub(crate) fn retention_or_off(text: &str) -> Parsed<Option<Duration>> {
    if text == "off" { Ok(None) } else { retention(text).map(Some).map_err(|what| format!("{what}, or off")) }
}

pub(crate) fn days(text: &str) -> Parsed<u32> {
    text.parse()
        .ok()
        .filter(|days| *days <= 36_525)
        .ok_or_else(|| format!("is {text:?}; allowed: a whole number from 0 to 36525"))
}

pub(crate) fn switch(text: &str) -> Parsed<bool> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("is {text:?}; allowed: on, off")),
    }
}

pub(crate) fn count(text: &str) -> Parsed<u64> {
    text.parse()
        .ok()
        .filter(|count| (1..=1_000_000_000).contains(count))
        .ok_or_else(|| format!("is {text:?}; allowed: a whole number from 1 to 1000000000"))
}

pub(crate) fn budget_or_off(text: &str) -> Parsed<Option<NonZeroU32>> {
    if text == "off" {
        return Ok(None);
    }
    text.parse()
        .ok()
        .filter(|budget: &NonZeroU32| budget.get() <= 1_000_000_000)
        .map(Some)
        .ok_or_else(|| format!("is {text:?}; allowed: a whole number from 1 to 1000000000, or off"))
}

/// `https://shop.example,http://127.0.0.1:3000`, or `*`.
pub(crate) fn origins(text: &str) -> Parsed<Origins> {
    if text == "*" {
        return Ok(Origins::Any);
    }
    let origin = |text: &str| {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let nobody = url.username().is_empty() && url.password().is_none();
        (bare && nobody).then(|| url.origin().ascii_serialization())
    };
    text.split(',')
        .map(|text| origin(text.trim()).ok_or(text.trim()))
        .collect::<Result<_, _>>()
        .map(Origins::These)
        .map_err(|wrong| {
            format!("{wrong:?} is no origin; allowed: https://host or http://host:port, several with commas between them, or *")
        })
}

/// `10.0.0.0/8,192.168.1.7`
pub(crate) fn networks(text: &str) -> Parsed<Networks> {
    let network =
        |text: &str| text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    text.split(',')
        .map(|text| network(text.trim()).ok_or(text.trim()))
        .collect::<Result<_, _>>()
        .map(Networks::new)
        .map_err(|wrong| {
            format!("{wrong:?} is no network; allowed: 10.0.0.0/8 or 192.168.1.7, several with commas between them")
        })
}

/// An address to ask by HTTP. It is not shown, as it may hold a password.
pub(crate) fn web_address(text: &str) -> Parsed<Uri> {
    text.parse::<Uri>()
        .ok()
        .filter(|address| matches!(address.scheme_str(), Some("http" | "https")) && address.host().is_some())
        .ok_or_else(|| "is no address; allowed: https://host/path or http://host:port/path".to_owned())
}

/// The value is not shown, as it holds a password.
pub(crate) fn database_url(text: &str) -> Parsed<SecretString> {
    if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        Ok(text.into())
    } else {
        Err("is no address of PostgreSQL; allowed: postgres://user:password@host:port/database".to_owned())
    }
}

/// The value is not shown, as it may hold a password.
pub(crate) fn redis_url(text: &str) -> Parsed<SecretString> {
    if ["redis://", "rediss://"].iter().any(|scheme| text.starts_with(scheme)) {
        Ok(text.into())
    } else {
        Err("is no address of Redis; allowed: redis://host:port or rediss://host:port".to_owned())
    }
}

/// The value is not shown, as it may hold a password.
pub(crate) fn base_url(text: &str) -> Parsed<BaseUrl> {
    BaseUrl::parse(text).map_err(str::to_owned)
}

pub(crate) fn brokers(text: &str) -> Parsed<String> {
    let legal = |broker: &str| {
        let broker = broker.trim();
        match broker.rsplit_once(':') {
            Some((host, port)) => {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) && !host.contains('/')
            }
            None => false,
        }
    };
    if text.split(',').all(legal) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no list of brokers; allowed: host:port, several with commas between them"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(address("localhost:0").unwrap(), "127.0.0.1:0".parse().unwrap());
        assert_eq!(address("[::1]:80").unwrap(), "[::1]:80".parse().unwrap());
        for wrong in ["8080", ":8080", "example.org:80", "127.0.0.1", "127.0.0.1:70000"] {
            assert!(address(wrong).unwrap_err().contains(wrong));
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("2m").unwrap(), Duration::from_secs(120));
        for wrong in ["", "0s", "10", "-1s", "2days", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn retentions() {
        assert_eq!(retention("30d").unwrap(), Duration::from_secs(30 * 86_400));
        assert_eq!(retention_or_off("off").unwrap(), None);
        for wrong in ["1s", "off", "30", "1000years"] {
            assert!(retention(wrong).is_err(), "{wrong}");
        }
        assert_eq!(days("0").unwrap(), 0);
        assert!(days("-1").is_err() && days("40000").is_err());
    }

    #[test]
    fn counts() {
        assert_eq!(count("1").unwrap(), 1);
        for wrong in ["0", "-1", "1.5", "many", "99999999999999999999"] {
            assert!(count(wrong).is_err(), "{wrong}");
            assert!(budget_or_off(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_with_passwords_are_never_shown() {
        assert!(!database_url("mysql://u:hunter2@h/d").unwrap_err().contains("hunter2"));
        assert!(!redis_url("http://:hunter2@h").unwrap_err().contains("hunter2"));
        assert!(!base_url("ftp://u:hunter2@h").unwrap_err().contains("hunter2"));
    }

    #[test]
    fn lists_of_origins() {
        let these = |origins: &[&str]| Origins::These(origins.iter().map(ToString::to_string).collect());
        assert_eq!(origins("*").unwrap(), Origins::Any);
        assert_eq!(
            origins("https://Shop.example, http://127.0.0.1:3000").unwrap(),
            these(&["https://shop.example", "http://127.0.0.1:3000"])
        );
        assert_eq!(origins("https://shop.example:443/").unwrap(), these(&["https://shop.example"]));
        for wrong in [
            "shop.example",
            "https://a.example/path",
            "null",
            "https://u:p@a.example",
            "https://a.example,",
            "*,https://a",
        ] {
            assert!(origins(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_of_networks() {
        assert!(networks("10.0.0.0/8, 192.168.1.7, 2001:db8::/32").is_ok());
        for wrong in ["10.0.0.0/33", "proxy.example", "10.0.0.1,"] {
            assert!(networks(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_to_ask() {
        assert!(web_address("https://issuer.example/.well-known/jwks.json").is_ok());
        for wrong in ["issuer.example", "file:///etc/passwd", "/keys", "https://"] {
            assert!(web_address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_of_brokers() {
        assert!(brokers("a:9092, b:9093,[::1]:9094").is_ok());
        for wrong in ["a", "a:", ":1", "a:1,", "a:0", "kafka://a:1", "a:70000"] {
            assert!(brokers(wrong).is_err(), "{wrong}");
        }
    }
}
