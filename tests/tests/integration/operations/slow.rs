use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use tests::testbed::{Role, Testbed};
use tests::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Much longer than what the gateway waits here.
const AT_MOST: Duration = Duration::from_secs(20);

async fn connect(base: &str) -> TcpStream {
    TcpStream::connect(base.trim_start_matches("http://")).await.unwrap()
}

/// What comes until the connection is closed.
async fn all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(AT_MOST, stream.read_to_end(&mut bytes)).await.expect("it is closed in time").ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_say_little_are_cut_off() {
    let testbed = Testbed::new().await.unwrap();
    let gateway = testbed.start_with(Role::Serve, &[("HTTP_HEADER_TIMEOUT", "500ms")]).await.unwrap();

    let mut silent = connect(gateway.base()).await;
    let mut drip = connect(gateway.base()).await;
    drip.write_all(b"POST /graphql HTTP/1.1\r\nHost: x\r\nX-A: ").await.unwrap();
    // Between two requests a client may say nothing for as long as before the first.
    let mut idle = connect(gateway.base()).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut begun = connect(gateway.base()).await;
    let head =
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    begun.write_all(head.as_bytes()).await.unwrap();
    let (silent, drip, idle, begun) =
        tokio::join!(all(&mut silent), all(&mut drip), all(&mut idle), all(&mut begun));
    assert_eq!((silent.as_str(), drip.starts_with("HTTP/1.1 200")), ("", false));
    assert!(idle.starts_with("HTTP/1.1 200"), "{idle}");
    assert!(begun.starts_with("HTTP/1.1 408") && begun.contains("TIMEOUT"), "{begun}");

    let mut long = connect(gateway.base()).await;
    let line = format!("GET / HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "a".repeat(300_000));
    // It may be cut off while it is still speaking.
    let _ = long.write_all(line.as_bytes()).await;
    let answer = all(&mut long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");

    assert!(reqwest::get(format!("{}/readyz", gateway.base())).await.unwrap().status().is_success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_take_nothing_are_cut_off() {
    let testbed = Testbed::new().await.unwrap();
    let event = crate::gateway::fill(&testbed, 1).await.remove(0);
    let variables = [("WS_SEND_TIMEOUT", "500ms"), ("LIMIT_COST", "100000000")];
    let gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    // More than what lies between the two keeps for a client that does not read.
    let mut points = String::new();
    for number in 0..8 {
        write!(points, "a{number}: points {{ start end }} ").unwrap();
    }
    let arguments = format!("eventId: \"{event}\", range: {{ last: \"PT10000M\" }}");
    let document = format!("subscription {{ timelineUpdated({arguments}) {{ {points} }} }}");
    let body = json!({ "query": document }).to_string();
    let request = format!(
        "POST /graphql/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let address = gateway.base().trim_start_matches("http://").parse().unwrap();
    let open = async || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    };
    let _stalled = open().await;
    let streams = async || gateway.metric("pulsegate_event_streams", "").await;
    wait::until("the stream to be cut off", AT_MOST, async || {
        let cut = gateway.metric("pulsegate_stalled_clients_total", "").await?;
        let left = streams().await?;
        Ok(if (cut, left) == (1, 0) { Ok(()) } else { Err(anyhow::anyhow!("{cut} cut off, {left} left")) })
    })
    .await
    .unwrap();

    // Who reads slowly, but reads, keeps its stream.
    let mut slow = open().await;
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..4 {
        slow.read_exact(&mut buffer).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(streams().await.unwrap(), 1);
}
