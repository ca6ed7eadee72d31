//! Apache Kafka's own artifacts, fetched once by Maven and kept in the repository's `/.services`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow};

use crate::system::program;
use crate::unique;

/// A small heap and a quick start rather than throughput.
const JVM: [&str; 3] = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// A release of Kafka and the oldest Java that runs it, newest first.
const RELEASES: [(&str, u32); 2] = [("4.1.1", 17), ("3.9.1", 11)];

/// A broker's class path, and the Java that it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jars {
    java: PathBuf,
    version: &'static str,
    directory: PathBuf,
}

impl Jars {
    /// The artifacts that fit this machine's Java, fetched if they aren't here yet.
    ///
    /// # Errors
    /// There is no Java, or Maven is needed and isn't there or fails.
    pub fn obtain() -> anyhow::Result<Self> {
        let jars = Self::wanted().context("no Java 17 or later")?;
        if !jars.directory.is_dir() {
            jars.fetch()?;
        }
        Ok(jars)
    }

    /// Whether there is a Java that can run a broker.
    #[must_use]
    pub fn java_is_here() -> bool {
        Self::wanted().is_some()
    }

    /// Whether the artifacts are here already.
    #[must_use]
    pub fn are_here() -> bool {
        Self::wanted().is_some_and(|jars| jars.directory.is_dir())
    }

    /// The release of Kafka.
    #[must_use]
    pub fn version(&self) -> &str {
        self.version
    }

    /// Runs a class of the broker's.
    #[must_use]
    pub fn command(&self, class: &str) -> Command {
        let mut command = Command::new(&self.java);
        command.args(JVM).arg("-cp").arg(self.directory.join("*")).arg(class);
        command
    }

    fn wanted() -> Option<Self> {
        let home = env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
        let java = home.filter(|java| java.is_file()).or_else(|| program::find("java"))?;
        let major = major(&java)?;
        let (version, _) = RELEASES.into_iter().find(|(_, oldest)| major >= *oldest)?;
        let directory = program::repository().join(".services").join(format!("kafka-{version}"));
        Some(Self { java, version, directory })
    }

    fn fetch(&self) -> anyhow::Result<()> {
        let services = self.directory.parent().context("the directory lies in the repository")?;
        fs::create_dir_all(services)?;
        // Renamed when complete, so that an interrupted download is never taken for a class path.
        let partial = services.join(format!("partial-{}", unique::name()));
        let mut maven = Command::new("mvn");
        maven
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(program::repository().join("tests/kafka/pom.xml"));
        maven.args([&format!("-Dkafka.version={}", self.version), "-DincludeScope=runtime"]);
        maven.arg(format!("-DoutputDirectory={}", partial.display())).arg("dependency:copy-dependencies");
        let fetched =
            program::output(&mut maven).map_err(|error| anyhow!("Maven could not fetch Kafka: {error:#}"));
        let kept = fetched.and_then(|_| Ok(fs::rename(&partial, &self.directory)?));
        if kept.is_err() {
            // Another process may have been quicker; its result is as good.
            let _ = fs::remove_dir_all(&partial);
            if self.directory.is_dir() {
                return Ok(());
            }
        }
        kept
    }
}

/// 17 from `openjdk version "17.0.15"`, 8 from `java version "1.8.0"`.
fn major(java: &Path) -> Option<u32> {
    let output = Command::new(java).arg("-version").stdin(Stdio::null()).output().ok()?;
    parse_major(&String::from_utf8_lossy(&output.stderr))
}

fn parse_major(printed: &str) -> Option<u32> {
    let mut numbers = printed.split('"').nth(1)?.split(['.', '-', '_', '+']).map(str::parse);
    match numbers.next()?.ok()? {
        1 => numbers.next()?.ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_major;

    #[test]
    fn reads_the_major_version_that_java_prints() {
        assert_eq!(parse_major("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK …"), Some(17));
        assert_eq!(parse_major("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(parse_major("openjdk version \"21-ea\" 2023-09-19"), Some(21));
        assert_eq!(parse_major("java version \"1.8.0_402\""), Some(8));
        assert_eq!(parse_major("bash: java: command not found"), None);
    }
}
