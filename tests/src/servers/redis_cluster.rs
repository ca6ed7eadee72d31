//! Redis as a cluster of three.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use redis::Client;

use crate::servers::redis::version;
use crate::system::process::Process;
use crate::system::scratch::Scratch;
use crate::system::{ports, program};
use crate::wait;

const NODES: usize = 3;
const STARTS_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Node {
    process: Process,
    port: u16,
    _directory: Scratch,
}

impl Node {
    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        self.process.start()?;
        let url = self.url();
        wait::until("a node to answer", STARTS_WITHIN, async || {
            self.process.require_running()?;
            Ok(version(&url).await)
        })
        .await
        .map(drop)
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &[&str]) -> anyhow::Result<T> {
        let mut connection = Client::open(self.url())?.get_multiplexed_async_connection().await?;
        let mut asked = redis::Cmd::new();
        for part in command {
            asked.arg(*part);
        }
        Ok(asked.query_async(&mut connection).await?)
    }
}

/// Three masters without replicas, from the program `redis-server`.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Node>,
}

impl RedisCluster {
    /// Why there can't be one here.
    #[must_use]
    pub fn missing() -> Option<&'static str> {
        let found = program::find("redis-server").and(program::find("redis-cli"));
        found.is_none().then_some("there is no redis-server with redis-cli")
    }

    /// Starts a new, empty cluster.
    ///
    /// # Errors
    /// It doesn't come up.
    pub async fn start() -> anyhow::Result<Self> {
        let mut nodes = Vec::new();
        for _ in 0..NODES {
            let (port, bus, directory) = (ports::free()?, ports::free()?, Scratch::new()?);
            let mut command = Command::new("redis-server");
            command.args([
                "--port",
                &port.to_string(),
                "--cluster-port",
                &bus.to_string(),
                "--bind",
                "127.0.0.1",
            ]);
            command.args(["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"]);
            command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(directory.path());
            command.current_dir(directory.path());
            let process = Process::new("Redis node", command, &directory.path().join("redis.log"))?;
            let mut node = Node { process, port, _directory: directory };
            node.start().await?;
            nodes.push(node);
        }
        let cluster = Self { nodes };
        let addresses = cluster.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let mut command = tokio::process::Command::new("redis-cli");
        command.args(["--cluster", "create"]).args(addresses).arg("--cluster-yes").stdin(Stdio::null());
        let output = command.output().await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        cluster.complete().await?;
        Ok(cluster)
    }

    /// The URLs of all nodes, with commas between them.
    #[must_use]
    pub fn url(&self) -> String {
        self.nodes.iter().map(Node::url).collect::<Vec<_>>().join(",")
    }

    /// The node on which somebody listens to a shard's channel that begins so.
    ///
    /// # Errors
    /// Nobody does, or a node doesn't answer.
    pub async fn listened_to(&self, start: &str) -> anyhow::Result<usize> {
        for (number, node) in self.nodes.iter().enumerate() {
            let channels: Vec<String> = node.ask(&["PUBSUB", "SHARDCHANNELS"]).await?;
            if channels.iter().any(|channel| channel.starts_with(start)) {
                return Ok(number);
            }
        }
        anyhow::bail!("nobody listens to {start}")
    }

    /// `kill -9` of a node.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self, number: usize) -> anyhow::Result<()> {
        self.nodes.get_mut(number).context("no such node")?.process.kill()
    }

    /// Starts it again; returns when all nodes are content.
    ///
    /// # Errors
    /// It doesn't come up.
    pub async fn restart(&mut self, number: usize) -> anyhow::Result<()> {
        self.nodes.get_mut(number).context("no such node")?.start().await?;
        self.complete().await
    }

    async fn complete(&self) -> anyhow::Result<()> {
        wait::until("the cluster to be complete", STARTS_WITHIN, async || {
            for node in &self.nodes {
                let state: String = match node.ask(&["CLUSTER", "INFO"]).await {
                    Ok(state) => state,
                    Err(error) => return Ok(Err(error)),
                };
                if !state.contains("cluster_state:ok") || !state.contains("cluster_slots_ok:16384") {
                    return Ok(Err(anyhow::anyhow!("{state}")));
                }
            }
            Ok(Ok(()))
        })
        .await
    }
}
