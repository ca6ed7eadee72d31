use std::{
    error::Error as _,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};
use reqwest::{Client, StatusCode, Url, header, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use super::{Reading, Settings, breaker::Breaker, metrics};
use crate::domain::{BreakerState, ChannelName, ChannelType, EventId};

/// Calls of one API at a time.
const CONCURRENCY: usize = 16;
/// Tries of one reading.
const TRIES: u32 = 3;
/// From one try to the next; the second pause is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// A right answer is below a kilobyte.
const LARGEST_BODY: usize = 64 * 1024;

/// What an API says of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Its metrics.
    Metrics(Reading),
    /// That it does not know the channel.
    Unknown,
}

/// Why a channel was not read, in words for clients: they hold no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nobody said where to ask.
    #[error("No external API is configured for channels of type {}.", .0.as_str())]
    NotConfigured(ChannelType),
    /// The breaker is open.
    #[error(
        "The external API has failed repeatedly and is left alone for a while; the stored numbers stand."
    )]
    BreakerOpen,
    /// The API was asked and has no such channel.
    #[error("The external API does not know this channel.")]
    UnknownChannel,
    /// No URL can hold the name of the event or the channel.
    #[error("The name can't be a part of a URL, so the external API can't be asked for it.")]
    Unaskable,
    /// Not connected, or cut off.
    #[error("The external API can't be reached.")]
    Unreachable,
    /// Too slow.
    #[error("The external API did not answer in time.")]
    Timeout,
    /// Another status than 200.
    #[error("The external API answered with status {0}.")]
    Status(u16),
    /// Other hosts than the configured ones are not called.
    #[error("The external API redirects to another place, which is not followed.")]
    Redirect,
    /// Too much.
    #[error("The external API sent more than an answer can hold.")]
    TooLarge,
    /// No reading.
    #[error("The external API sent {0}.")]
    Wrong(&'static str),
}

impl ReadError {
    /// For counting.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::NotConfigured(_) => "not_configured",
            Self::BreakerOpen => "breaker_open",
            Self::UnknownChannel => "unknown_channel",
            Self::Unaskable => "unaskable",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Status(_) => "status",
            Self::Redirect => "redirect",
            Self::TooLarge => "too_large",
            Self::Wrong(_) => "wrong",
        }
    }

    /// Whether asking again at once may help.
    const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable | Self::Status(502..=504))
    }
}

/// The client that all APIs share. It goes where it is told and nowhere else: no redirects, no proxies of the environment.
pub(super) fn http(timeout: Duration) -> Result<Client, reqwest::Error> {
    // What this machine trusts, or SSL_CERT_FILE and SSL_CERT_DIR, such as a company's own authority; Mozilla's list where
    // there is nothing.
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "certificates to trust channel APIs by can't be read");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() && found.errors.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .timeout(timeout)
        .pool_max_idle_per_host(CONCURRENCY)
        .user_agent(concat!("pulsegate/", env!("CARGO_PKG_VERSION")));
    // Ring has all that TLS 1.2 and 1.3 need, so this does not fail.
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|tls| tls.with_root_certificates(roots).with_no_client_auth());
    match tls {
        Ok(tls) => builder.tls_backend_preconfigured(tls).build(),
        Err(_) => builder.build(),
    }
}

/// One API, behind its breaker.
pub(super) struct Api {
    http: Client,
    base: Url,
    kinds: Vec<ChannelType>,
    timeout: Duration,
    breaker: Arc<Breaker>,
    /// The state that was told last.
    told: Mutex<BreakerState>,
    /// Why the last call failed, for the operator.
    failure: Mutex<String>,
    turns: Semaphore,
    random: Mutex<SmallRng>,
}

impl Api {
    pub(super) fn new(
        http: Client,
        base: Url,
        kinds: Vec<ChannelType>,
        settings: &Settings,
        seed: u64,
    ) -> Self {
        let breaker = Arc::new(Breaker::new(settings.breaker_failures, settings.breaker_open));
        for kind in &kinds {
            metrics::breaker(*kind, BreakerState::Closed);
        }
        Self {
            http,
            base,
            kinds,
            timeout: settings.timeout,
            breaker,
            told: Mutex::new(BreakerState::Closed),
            failure: Mutex::default(),
            turns: Semaphore::new(CONCURRENCY),
            random: Mutex::new(SmallRng::seed_from_u64(seed)),
        }
    }

    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Asks for a channel, again where a failure may be a passing one. An open breaker answers at once.
    pub(super) async fn read(&self, event: &EventId, channel: &ChannelName) -> Result<Answer, ReadError> {
        let url = address(&self.base, event, channel).ok_or(ReadError::Unaskable)?;
        if self.breaker.state(Instant::now()) == BreakerState::Open {
            return Err(ReadError::BreakerOpen);
        }
        // Nobody closes it.
        let _turn = self.turns.acquire().await.map_err(|_| ReadError::Unreachable)?;
        let deadline = Instant::now() + self.timeout;
        let mut tries = 1;
        let mut refusal = ReadError::BreakerOpen;
        loop {
            let Some(permit) = self.breaker.ask(Instant::now()) else { return Err(refusal) };
            self.tell_changes();
            let began = Instant::now();
            let outcome = timeout_at(deadline, self.call(url.clone()))
                .await
                .unwrap_or_else(|_| Err(self.failed(ReadError::Timeout)));
            metrics::called(self.kinds.first().copied(), began.elapsed());
            match &outcome {
                Ok(_) => permit.succeeded(),
                Err(_) => permit.failed(Instant::now()),
            }
            self.tell_changes();
            match outcome {
                Err(error) if error.is_passing() && tries < TRIES => {
                    let pause = self.pause(tries);
                    if Instant::now() + pause >= deadline {
                        return Err(error);
                    }
                    sleep(pause).await;
                    tries += 1;
                    // Where this try has opened the breaker, it is why there is no other.
                    refusal = error;
                }
                outcome => return outcome,
            }
        }
    }

    fn pause(&self, tries: u32) -> Duration {
        let longest = PAUSE * tries;
        self.random.lock().unwrap_or_else(PoisonError::into_inner).random_range(longest / 2..=longest)
    }

    /// Logs and counts what the breaker has become, once for each change.
    fn tell_changes(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.breaker.state(Instant::now());
        if *told == state {
            return;
        }
        *told = state;
        let types = self.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        match state {
            BreakerState::Open => {
                let reason = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tracing::warn!(types, reason, "a channel API keeps failing: its breaker is open");
            }
            BreakerState::HalfOpen => {
                tracing::info!(types, "a channel API is tried again: its breaker is half-open");
            }
            BreakerState::Closed => {
                tracing::info!(types, "a channel API answers again: its breaker is closed");
            }
        }
        for kind in &self.kinds {
            metrics::breaker(*kind, state);
        }
    }

    /// One call.
    async fn call(&self, url: Url) -> Result<Answer, ReadError> {
        let request = self.http.get(url).header(header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| self.broke(error))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Answer::Unknown),
            status if status.is_redirection() => return Err(self.failed(ReadError::Redirect)),
            status => return Err(self.failed(ReadError::Status(status.as_u16()))),
        }
        if response.content_length().is_some_and(|length| length > LARGEST_BODY as u64) {
            return Err(self.failed(ReadError::TooLarge));
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| self.broke(error))? {
            if body.len() + part.len() > LARGEST_BODY {
                return Err(self.failed(ReadError::TooLarge));
            }
            body.extend_from_slice(&part);
        }
        Reading::decode(&body).map(Answer::Metrics).map_err(|what| self.failed(ReadError::Wrong(what)))
    }

    /// Keeps in mind why a call failed.
    fn failed(&self, error: ReadError) -> ReadError {
        self.note(error.to_string());
        error
    }

    /// The same of a connection, of which clients are told less than the operator.
    fn broke(&self, error: reqwest::Error) -> ReadError {
        if error.is_timeout() {
            return self.failed(ReadError::Timeout);
        }
        // The URL may hold a password.
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(deeper) = cause {
            let _ = write!(reason, ": {deeper}");
            cause = deeper.source();
        }
        self.note(reason);
        ReadError::Unreachable
    }

    fn note(&self, reason: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

/// All but what RFC 3986 calls unreserved.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `{base}/events/{eventId}/channels/{channelName}`, each name as one segment whatever is in it. A URL has no way to say
/// `.` or `..` as a name.
fn address(base: &Url, event: &EventId, channel: &ChannelName) -> Option<Url> {
    let names = [event.as_str(), channel.as_str()];
    if names.iter().any(|name| matches!(*name, "." | "..")) {
        return None;
    }
    // By the URL's own setter of segments, tabs and line breaks would be lost.
    let [event, channel] = names.map(|name| utf8_percent_encode(name, UNSAFE));
    let mut url = base.clone();
    url.set_path(&format!("{}/events/{event}/channels/{channel}", base.path().trim_end_matches('/')));
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(base: &str, event: &str, channel: &str) -> Option<String> {
        let base = Url::parse(base).unwrap();
        address(&base, &EventId::trusted(event), &ChannelName::trusted(channel)).map(|url| url.to_string())
    }

    #[test]
    fn names_are_one_segment_each() {
        for (base, event, channel, expected) in [
            ("http://h", "evt-1", "tv", "http://h/events/evt-1/channels/tv"),
            ("http://h/v1/", "evt-1", "tv", "http://h/v1/events/evt-1/channels/tv"),
            ("http://h/v1", "e", "지니TV", "http://h/v1/events/e/channels/%EC%A7%80%EB%8B%88TV"),
            ("http://h", "a/b", "../c", "http://h/events/a%2Fb/channels/..%2Fc"),
            ("http://h", "%2e%2e", "?x=1#y", "http://h/events/%252e%252e/channels/%3Fx%3D1%23y"),
            ("http://h", "e", "a b\\c\t", "http://h/events/e/channels/a%20b%5Cc%09"),
            ("http://h", "e", "...", "http://h/events/e/channels/..."),
        ] {
            assert_eq!(path(base, event, channel).as_deref(), Some(expected));
        }
        assert_eq!(path("http://h", "e", ".."), None);
        assert_eq!(path("http://h", ".", "tv"), None);
    }
}
