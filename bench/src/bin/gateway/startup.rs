//! The binary by itself: how soon it is ready, and what it holds then.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bench::figures::Figure;
use tests::testbed::{Role, Testbed};
use tokio::time::sleep;

use crate::load::Client;
use crate::server::{address_of, memory};

const READY_WITHIN: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(1);
const READYZ: &[u8] = b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";

/// Seconds from its start to its first 200 at /readyz, and MiB a second later.
pub(crate) async fn measure(testbed: &Testbed, rounds: usize) -> anyhow::Result<(Figure, Figure)> {
    let (mut seconds, mut idle) = (Vec::new(), Vec::new());
    let mut gateway = testbed.start(Role::Serve).await?;
    let address = address_of(&gateway)?;
    for _ in 0..rounds {
        gateway.terminate()?;
        let started = Instant::now();
        gateway.launch()?;
        while !ready(address).await {
            gateway.require_running()?;
            ensure!(started.elapsed() < READY_WITHIN, "it is not ready: {}", gateway.log()?);
            sleep(Duration::from_millis(2)).await;
        }
        seconds.push(started.elapsed().as_secs_f64());
        sleep(IDLE).await;
        idle.push(memory(gateway.id()?)?);
    }
    gateway.terminate()?;
    Ok((
        Figure::of(&seconds).context("nothing was measured")?,
        Figure::of(&idle).context("nothing was measured")?,
    ))
}

async fn ready(address: std::net::SocketAddr) -> bool {
    let Ok(mut client) = Client::connect(address).await else { return false };
    client.exchange(READYZ).await.is_ok_and(|(status, _)| status == 200)
}
