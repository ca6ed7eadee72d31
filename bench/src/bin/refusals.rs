//! What it costs to say no: every document of the hostile corpus, through the gateway's own router.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use api::{Gateway, Readiness};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use bench::figures::Figure;
use service::Service;
use service::clock::SystemClock;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

#[path = "../../../api/tests/corpus/mod.rs"]
mod corpus;

/// What a refusal may cost, in microseconds.
const LIMIT: f64 = 5_000.0;
/// So many of the dearest are shown.
const SHOWN: usize = 10;

struct Ready;

#[async_trait::async_trait]
impl Readiness for Ready {
    async fn check(&self) -> BTreeMap<&'static str, Result<String, String>> {
        BTreeMap::new()
    }
}

/// A gateway without a database: what is refused never gets there.
fn router() -> anyhow::Result<Router> {
    let settings = service::Settings {
        database_url: "postgres://nobody@127.0.0.1:1/nothing".to_owned(),
        database_read_url: None,
        redis_url: None,
        cache: true,
        pool_size: 1,
        acquire_timeout: Duration::from_millis(200),
        statement_timeout: Duration::from_millis(200),
    };
    let service = Service::new(&settings, Arc::new(SystemClock))?;
    let stop = CancellationToken::new();
    Ok(api::router(Gateway::new(service, api::Settings::default(), Arc::new(Ready), None, stop)))
}

/// Microseconds from the request to the last byte of its answer, which has to be a refusal.
async fn refuse(router: &Router, body: &[u8]) -> anyhow::Result<f64> {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))?;
    let since = Instant::now();
    let response = router.clone().oneshot(request).await?;
    let answer = to_bytes(response.into_body(), usize::MAX).await?;
    let took = since.elapsed();
    let answer = std::str::from_utf8(&answer)?;
    ensure!(answer.contains("\"errors\"") && !answer.contains("\"UNAVAILABLE\""), "not refused: {answer}");
    Ok(u32::try_from(took.as_micros())?.into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let rounds = match env::var("BENCH_ROUNDS") {
        Ok(rounds) => rounds.parse().context("BENCH_ROUNDS is no number")?,
        Err(_) => 5,
    };
    let router = router()?;
    let corpus = corpus::corpus();
    let mut measured = Vec::with_capacity(corpus.len());
    for (name, body) in &corpus {
        let mut times = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            times.push(refuse(&router, body).await.with_context(|| name.clone())?);
        }
        measured.push((Figure::of(&times).context("nothing was measured")?, name));
    }
    measured.sort_by(|(one, _), (other, _)| other.median.total_cmp(&one.median));

    let mut out = io::stdout().lock();
    writeln!(out, "{} documents, {rounds} times each, microseconds to refuse one:", corpus.len())?;
    for (figure, name) in measured.iter().take(SHOWN) {
        writeln!(out, "  {:<24} {name}", figure.to_string())?;
    }
    let dear = measured.iter().filter(|(figure, _)| figure.median > LIMIT).count();
    writeln!(out, "{dear} of them cost more than {LIMIT} µs")?;
    Ok(if dear == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
