use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use service::clock::SystemClock;
use tests::servers::channel_api::{Behaviour, ChannelApi};
use tests::testbed::Testbed;
use tests::wait;
use tokio_util::sync::CancellationToken;

use super::{INTERVAL, assert_sums, fill, service};

const EVENTS: usize = 250;
const CHANNELS: usize = 4 * EVENTS;
const READ_WITHIN: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_read_a_thousand_channels_once_each() {
    let testbed = Testbed::new().await.unwrap();
    fill(&testbed, EVENTS).await;
    let api = ChannelApi::start(|_| Behaviour::Body(r#"{"views":10}"#.to_owned())).await.unwrap();
    let stop = CancellationToken::new();
    let replicas: Vec<_> = (0..2)
        .map(|seed| {
            let service = service(&testbed, &api, Arc::new(SystemClock), 1_000, INTERVAL);
            tokio::spawn(service.refresh_channels(seed, stop.clone()))
        })
        .collect();
    wait::until("all channels to be read", READ_WITHIN, async || {
        let read = api.asked().len();
        Ok(if read == CHANNELS { Ok(()) } else { Err(anyhow!("{read} channels are read")) })
    })
    .await
    .unwrap();
    // They look at the queue again meanwhile.
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.cancel();
    for replica in replicas {
        replica.await.unwrap();
    }
    let twice: Vec<_> = api.asked().into_iter().filter(|(_, times)| *times != 1).collect();
    assert_eq!(twice, Vec::new(), "channels that were read more than once in an interval");
    assert_sums(testbed.database()).await;
}
