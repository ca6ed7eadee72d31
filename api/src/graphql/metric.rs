use async_graphql::SimpleObject;
use service::metrics;

/// One computed metric, as it is defined everywhere in this API.
#[derive(SimpleObject)]
pub(crate) struct Metric {
    /// The name of the fields that show it.
    name: String,
    /// What it tells.
    description: String,
    /// How it is computed.
    formula: String,
    /// `percent`, `won` or `count`.
    unit: String,
    /// When it has no value; null where it always has one.
    null_when: Option<String>,
}

impl Metric {
    pub(crate) fn catalogue() -> Vec<Self> {
        let metrics = metrics::catalogue().into_iter().map(|metric| Self {
            name: metric.name,
            description: metric.description.to_owned(),
            formula: metric.formula,
            unit: metric.unit.as_str().to_owned(),
            null_when: metric.null_when,
        });
        metrics.collect()
    }
}
