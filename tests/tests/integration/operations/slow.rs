use std::time::Duration;

use tests::testbed::{Role, Testbed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
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
    let mut begun = connect(gateway.base()).await;
    let head =
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    begun.write_all(head.as_bytes()).await.unwrap();
    let (silent, drip, begun) = tokio::join!(all(&mut silent), all(&mut drip), all(&mut begun));
    assert_eq!((silent.as_str(), drip.starts_with("HTTP/1.1 200")), ("", false));
    assert!(begun.starts_with("HTTP/1.1 408") && begun.contains("TIMEOUT"), "{begun}");

    let mut long = connect(gateway.base()).await;
    let line = format!("GET / HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "a".repeat(300_000));
    // It may be cut off while it is still speaking.
    let _ = long.write_all(line.as_bytes()).await;
    let answer = all(&mut long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");

    assert!(reqwest::get(format!("{}/readyz", gateway.base())).await.unwrap().status().is_success());
}
