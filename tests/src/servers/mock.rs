//! librdkafka's mock cluster: stands in where no broker can be had. It is no judge of rebalances, knows no admin
//! calls, and forgets what lies more than 5 MiB back in a partition.

use std::fmt;

use anyhow::Context as _;
use rdkafka::config::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, DefaultProducerContext, Producer as _};

/// A mock cluster in this process.
pub struct Mock {
    // It lives in a client, which threads may share; a cluster on its own they may not.
    client: BaseProducer,
    brokers: String,
}

impl Mock {
    /// # Errors
    /// No loopback port is free.
    pub fn start() -> anyhow::Result<Self> {
        let client: BaseProducer = ClientConfig::new().set("test.mock.num.brokers", "1").create()?;
        let brokers = cluster(&client)?.bootstrap_servers();
        Ok(Self { client, brokers })
    }

    /// `host:port`, for clients.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Creates topics, which clients can't do here.
    ///
    /// # Errors
    /// One of them is there already.
    pub fn create_topics(&self, topics: &[&str], partitions: u16) -> anyhow::Result<()> {
        let cluster = cluster(&self.client)?;
        for topic in topics {
            cluster.create_topic(topic, i32::from(partitions), 1)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Mock").field("brokers", &self.brokers).finish_non_exhaustive()
    }
}

fn cluster(client: &BaseProducer) -> anyhow::Result<MockCluster<'_, DefaultProducerContext>> {
    client.client().mock_cluster().context("the client was made with a mock cluster")
}
