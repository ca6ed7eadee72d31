use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::Url;
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::testbed::{Role, Testbed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::fill;

/// Everything that a list of events can be asked for, on all levels.
const LIST: &str = "
query ($events: [ID!], $first: Int!) {
  events(filter: { eventIds: $events }, first: $first, orderBy: { field: ROI, direction: ASC }) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id title roi { roi distributionCost costPerConversion }
      channels { channelName costPerParticipant participantShare }
      channel(channelName: \"인스타그램\") { clicks }
      funnel { steps { count fromPrevious } }
      timeline(granularity: HOUR, timeZone: \"Asia/Seoul\", compareTo: PREVIOUS_PERIOD,
               range: { from: \"2026-01-05T00:00:00Z\", to: \"2026-01-05T12:00:00Z\" }) {
        totals { participants } comparison { participantsChange } trend { direction }
        points { start participants cumulativeParticipants compared { participants } }
      }
      daily: timeline(granularity: DAY, timeZone: \"America/New_York\", fillGaps: false) { totals { views } }
    }
  }
}";

/// A dashboard page's whole need in one query.
const DASHBOARD: &str = "
query ($event: ID!) {
  event(eventId: $event) {
    title status totalParticipants totalViews roi { roi netProfit targetAchievement distributionCost }
    channels { channelName participants clickThroughRate costPerParticipant }
    timeline(granularity: DAY, range: { from: \"2025-12-20T00:00:00Z\", to: \"2026-01-19T00:00:00Z\" },
             timeZone: \"Asia/Seoul\", compareTo: PREVIOUS_PERIOD) {
      totals { participants views } comparison { participantsChange } points { start participants compared { views } }
    }
  }
}";

/// Counts the statements that are executed through it on the way to PostgreSQL.
struct Counter {
    url: String,
    executed: Arc<AtomicI64>,
}

impl Counter {
    async fn before(testbed: &Testbed) -> Self {
        let mut url = Url::parse(testbed.database_url()).unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(address.port())).unwrap();
        let executed = Arc::new(AtomicI64::new(0));
        let count = Arc::clone(&executed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                tokio::spawn(pass_on(from_client, to_server, Arc::clone(&count)));
            }
        });
        Self { url: url.to_string(), executed }
    }

    async fn during(&self, client: &GraphQl, query: &str, variables: Value) -> (i64, Value) {
        let before = self.executed.load(Ordering::SeqCst);
        let data = client.data(query, variables).await.unwrap();
        (self.executed.load(Ordering::SeqCst) - before, data)
    }
}

/// The frontend's side of the protocol: packets without a type until the session begins, then a type and a length.
async fn pass_on(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    executed: Arc<AtomicI64>,
) -> io::Result<()> {
    const PROTOCOL_3: u32 = 196_608;
    let mut begun = false;
    loop {
        let kind = if begun { client.read_u8().await? } else { 0 };
        let length = client.read_u32().await?;
        let mut body = vec![0; usize::try_from(length).unwrap() - 4];
        client.read_exact(&mut body).await?;
        if begun {
            // Execute of a prepared statement, or a simple query.
            if matches!(kind, b'E' | b'Q') {
                executed.fetch_add(1, Ordering::SeqCst);
            }
            server.write_u8(kind).await?;
        } else {
            begun = body[..4] == PROTOCOL_3.to_be_bytes();
        }
        server.write_u32(length).await?;
        server.write_all(&body).await?;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_statements_does_not_depend_on_the_number_of_parents() {
    let testbed = Testbed::new().await.unwrap();
    let ids = fill(&testbed, 45).await;
    let counter = Counter::before(&testbed).await;
    let gateway = testbed.start_with(Role::Serve, &[("DATABASE_URL", &counter.url)]).await.unwrap();
    let client = gateway.graphql().unwrap();
    // What is read once in a process's life is none of a query's business.
    client.data(DASHBOARD, json!({ "event": ids[0] })).await.unwrap();
    // Of other events each time, so that no cache has them.
    let (few, data) = counter.during(&client, LIST, json!({ "events": ids[1..3], "first": 41 })).await;
    assert_eq!(data["events"]["nodes"].as_array().unwrap().len(), 2);
    let (many, data) = counter.during(&client, LIST, json!({ "events": ids[3..44], "first": 41 })).await;
    assert_eq!(data["events"]["nodes"].as_array().unwrap().len(), 41);
    assert_eq!(data["events"]["totalCount"], 41);
    assert_eq!(data["events"]["nodes"][40]["timeline"]["totals"]["participants"], 3);
    assert_eq!(few, many, "statements for 2 events and for 41");

    let (page, _) = counter.during(&client, DASHBOARD, json!({ "event": ids[44] })).await;
    assert!((1..=6).contains(&page), "{page} statements for a dashboard page");
    let (again, _) = counter.during(&client, DASHBOARD, json!({ "event": ids[44] })).await;
    assert_eq!(again, 0, "a page that is cached");
}
