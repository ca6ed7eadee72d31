use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, LevelFilter, filter_fn},
    registry::LookupSpan,
};

use crate::outbound::Outbound;

/// What a collector that is away may cost at the end.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// Sends parts of traces to a collector by OTLP over HTTP, where one is named.
pub(crate) struct Traces(Result<Option<SdkTracerProvider>, String>);

impl Traces {
    /// `endpoint` is the collector's base, e.g. `http://collector:4318`.
    pub(super) fn begin(endpoint: Option<&String>) -> Self {
        Self(endpoint.map(|endpoint| provider(endpoint)).transpose())
    }

    pub(super) fn tracer(&self) -> Option<SdkTracer> {
        Some(self.0.as_ref().ok()?.as_ref()?.tracer("pulsegate"))
    }

    /// Takes the spans that are meant for it, and nothing of what is logged. Without a collector it refuses them: where
    /// there is no layer at all, nobody does, and each of them is made for nothing.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let layer = self.tracer().map(|tracer| {
            tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
        });
        let is_collected = layer.is_some();
        let most = if is_collected { LevelFilter::INFO } else { LevelFilter::OFF };
        layer.with_filter(
            filter_fn(move |metadata| is_collected && is_ours(metadata)).with_max_level_hint(most),
        )
    }

    /// Says how it went, once somebody listens.
    pub(super) fn tell(&self) {
        if let Err(reason) = &self.0 {
            tracing::warn!(reason, "no traces are sent");
        }
    }

    /// Sends what is left.
    pub(crate) async fn end(self) {
        if let Ok(Some(provider)) = self.0 {
            let flush = move || provider.shutdown_with_timeout(FLUSH_WITHIN);
            let _ = tokio::time::timeout(FLUSH_WITHIN, tokio::task::spawn_blocking(flush)).await;
        }
    }
}

/// The log has lines of its own, and what is made for a trace has no place in them.
pub(super) fn not_for_the_log() -> FilterFn {
    let is_for_it: fn(&Metadata<'_>) -> bool = |metadata| !is_ours(metadata) && !is_the_exporters(metadata);
    filter_fn(is_for_it).with_max_level_hint(LevelFilter::TRACE)
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == service::trace::TARGET
}

/// A collector that is away is told of once in a while by the exporter; the requests that it makes are not worth a line.
fn is_the_exporters(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("opentelemetry") && *metadata.level() > tracing::Level::WARN
}

fn provider(endpoint: &str) -> Result<SdkTracerProvider, String> {
    let outbound = Outbound::new().map_err(|fault| fault.to_string())?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(outbound)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|fault| fault.to_string())?;
    let resource = Resource::builder()
        .with_service_name("pulsegate")
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
