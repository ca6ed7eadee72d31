use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use super::{
    mistake::{Mistake, Mistakes},
    variable::{self, Variable},
};

const PASSED_ON: &str = "KAFKA_";

/// What is configured, in the order of precedence: flags, environment, file.
#[derive(Clone, Default)]
pub(crate) struct Layers {
    /// By the variable's name.
    pub(crate) flags: HashMap<&'static str, String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) file: Option<File>,
}

/// The file that `--config` names.
#[derive(Clone)]
pub(crate) struct File {
    name: String,
    /// By the variable's name.
    values: BTreeMap<String, String>,
}

/// A value and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) text: String,
    /// How the user knows it: `--http-addr`, `HTTP_ADDR`, or `http_addr in pulsegate.toml`.
    pub(crate) place: String,
}

impl Layers {
    /// The value of the highest layer that has one. An empty one is as good as none, so that a variable can be
    /// unset where it can't be removed.
    pub(crate) fn find(&self, variable: &Variable) -> Option<Given> {
        let flag = self.flags.get(variable.name).map(|text| (text, format!("--{}", variable.flag())));
        let environment = || self.environment.get(variable.name).map(|text| (text, variable.name.to_owned()));
        let file = || {
            let file = self.file.as_ref()?;
            Some((file.values.get(variable.name)?, format!("{} in {}", variable.key(), file.name)))
        };
        [flag, environment(), file()]
            .into_iter()
            .flatten()
            .find(|(text, _)| !text.trim().is_empty())
            .map(|(text, place)| Given { text: text.trim().to_owned(), place })
    }

    /// What is passed on to librdkafka, by its names there; the environment goes before the file.
    pub(crate) fn librdkafka(&self) -> Vec<(String, String)> {
        let file = self.file.iter().flat_map(|file| &file.values);
        let mut settings = BTreeMap::new();
        for (name, value) in file.chain(&self.environment) {
            if let Some(setting) = librdkafka_name(name).filter(|_| !value.trim().is_empty()) {
                settings.insert(setting, value.trim().to_owned());
            }
        }
        settings.into_iter().collect()
    }
}

/// `KAFKA_SECURITY_PROTOCOL` → `security.protocol`; `None` for what is not librdkafka's.
fn librdkafka_name(variable: &str) -> Option<String> {
    if variable::ALL.iter().any(|known| known.name == variable) || is_service_link(variable) {
        return None;
    }
    let name = variable.strip_prefix(PASSED_ON).filter(|name| !name.is_empty())?;
    Some(name.to_ascii_lowercase().replace('_', "."))
}

/// Kubernetes tells every pod about a service of the name `kafka` by variables like these. They are none of ours.
fn is_service_link(variable: &str) -> bool {
    ["KAFKA_PORT", "KAFKA_SERVICE_HOST", "KAFKA_SERVICE_PORT"].contains(&variable)
        || ["KAFKA_PORT_", "KAFKA_SERVICE_PORT_"].iter().any(|prefix| variable.starts_with(prefix))
}

impl File {
    /// Reads the file that `--config` names.
    pub(crate) fn read(path: &Path) -> Result<Self, Mistakes> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|fault| Mistake::new("--config", format!("{name} can't be read: {fault}")))?;
        Self::parse(name, &text)
    }

    pub(crate) fn parse(name: String, text: &str) -> Result<Self, Mistakes> {
        let table: toml::Table = text.parse().map_err(|fault: toml::de::Error| {
            // Its own text shows the line in question, which may hold a secret.
            let line = fault.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Mistake::new("--config", format!("{name} is no TOML, see its line {line}; allowed: lines like http_addr = \"127.0.0.1:8080\""))
        })?;
        let mut values = BTreeMap::new();
        let mut mistakes = Vec::new();
        for (key, value) in table {
            let place = || format!("{key} in {name}");
            let variable = key.to_ascii_uppercase();
            let known = variable::ALL.iter().any(|known| known.key() == key);
            if !known && (key != key.to_ascii_lowercase() || librdkafka_name(&variable).is_none()) {
                mistakes.push(Mistake::new(place(), format!("is no setting{}", nearest(&key))));
                continue;
            }
            match plain(&value) {
                Some(text) => drop(values.insert(variable, text)),
                None => mistakes.push(Mistake::new(
                    place(),
                    format!("is {}; allowed: a string, a number or a boolean", value.type_str()),
                )),
            }
        }
        if mistakes.is_empty() { Ok(Self { name, values }) } else { Err(Mistakes(mistakes)) }
    }
}

fn plain(value: &toml::Value) -> Option<String> {
    Some(match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(true) => "on".to_owned(),
        toml::Value::Boolean(false) => "off".to_owned(),
        _ => return None,
    })
}

/// Points to what the user may have meant: the same name in another spelling.
fn nearest(key: &str) -> String {
    let plain = key.to_ascii_lowercase().replace('-', "_");
    match variable::ALL.iter().find(|variable| variable.key() == plain) {
        Some(variable) => format!("; allowed: {}", variable.key()),
        None => "; allowed: the variables of .env.example, in lower case".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::variable::{HTTP_ADDR, KAFKA_BROKERS, LIMIT_DEPTH};

    fn layers(flag: Option<&str>, environment: Option<&str>, file: Option<&str>) -> Layers {
        Layers {
            flags: flag.map(|text| (HTTP_ADDR.name, text.to_owned())).into_iter().collect(),
            environment: environment
                .map(|text| (HTTP_ADDR.name.to_owned(), text.to_owned()))
                .into_iter()
                .collect(),
            file: file
                .map(|text| File::parse("a.toml".to_owned(), &format!("http_addr = \"{text}\"")).unwrap()),
        }
    }

    #[test]
    fn flags_go_before_the_environment_and_that_before_the_file() {
        let found = |layers: Layers| layers.find(&HTTP_ADDR).map(|given| (given.text, given.place));
        let some = |text: &str, place: &str| Some((text.to_owned(), place.to_owned()));
        assert_eq!(found(layers(Some("1"), Some("2"), Some("3"))), some("1", "--http-addr"));
        assert_eq!(found(layers(None, Some("2"), Some("3"))), some("2", "HTTP_ADDR"));
        assert_eq!(found(layers(None, None, Some("3"))), some("3", "http_addr in a.toml"));
        assert_eq!(found(layers(None, None, None)), None);
    }

    #[test]
    fn an_empty_value_is_as_good_as_none() {
        let found = layers(None, Some(" "), Some("3")).find(&HTTP_ADDR).unwrap();
        assert_eq!(found.text, "3");
    }

    #[test]
    fn what_is_not_named_goes_to_librdkafka() {
        let mut layers = Layers::default();
        for (name, value) in [
            ("KAFKA_SECURITY_PROTOCOL", "ssl"),
            ("KAFKA_BROKERS", "a:1"),
            ("KAFKA_CLIENT_ID", ""),
            ("KAFKA_SERVICE_HOST", "10.0.0.1"),
            ("KAFKA_PORT_9092_TCP_ADDR", "10.0.0.1"),
            ("PATH", "/bin"),
        ] {
            layers.environment.insert(name.to_owned(), value.to_owned());
        }
        layers.file = Some(
            File::parse(
                "a.toml".to_owned(),
                "kafka_client_id = \"x\"\nkafka_security_protocol = \"plaintext\"",
            )
            .unwrap(),
        );
        let expected = [("client.id", "x"), ("security.protocol", "ssl")];
        assert_eq!(layers.librdkafka(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(layers.find(&KAFKA_BROKERS).unwrap().text, "a:1");
    }

    #[test]
    fn a_file_takes_numbers_and_booleans() {
        let layers = Layers {
            file: Some(File::parse("a.toml".to_owned(), "limit_depth = 20\ngraphiql = false").unwrap()),
            ..Layers::default()
        };
        assert_eq!(layers.find(&LIMIT_DEPTH).unwrap().text, "20");
        assert_eq!(layers.find(&variable::GRAPHIQL).unwrap().text, "off");
    }

    #[test]
    fn all_mistakes_of_a_file_are_told_at_once() {
        let text = "http-addr = \"a\"\nhttp_adr = \"b\"\n[limits]\ndepth = 1\n";
        let Err(mistakes) = File::parse("a.toml".to_owned(), text) else { panic!("nothing was wrong") };
        let lines: Vec<String> = mistakes.0.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "http-addr in a.toml: is no setting; allowed: http_addr",
                "http_adr in a.toml: is no setting; allowed: the variables of .env.example, in lower case",
                "limits in a.toml: is no setting; allowed: the variables of .env.example, in lower case",
            ]
        );
    }

    #[test]
    fn a_broken_file_is_told_by_its_line_and_never_quoted() {
        let text = "log = \"info\"\njwt_hs256_secret = \"hunter2\n";
        let Err(mistakes) = File::parse("a.toml".to_owned(), text) else { panic!("nothing was wrong") };
        assert!(mistakes.to_string().contains("a.toml is no TOML, see its line 2"), "{mistakes}");
        assert!(!mistakes.to_string().contains("hunter2"));
    }
}
