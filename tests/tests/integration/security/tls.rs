//! A gateway that speaks TLS itself. The certificates are made for these tests and used for nothing else.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::testbed::{Role, Testbed};
use tests::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

const SOON: Duration = Duration::from_secs(60);
/// A certificate and its key.
const FIRST: [&[u8]; 2] = [include_bytes!("tls/first.pem"), include_bytes!("tls/first.key.pem")];
const SECOND: [&[u8]; 2] = [include_bytes!("tls/second.pem"), include_bytes!("tls/second.key.pem")];

async fn connect(address: &str, trusted: &[u8]) -> anyhow::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    Ok(TlsConnector::from(Arc::new(config)).connect("localhost".try_into()?, stream).await?)
}

/// Waits until a client that trusts no other certificate gets an answer.
async fn until_trusted(address: &str, trusted: &[u8]) {
    wait::until("an answer by that certificate", SOON, async || {
        let ask = async {
            let mut stream = connect(address, trusted).await?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            Ok(())
        };
        Ok(ask.await)
    })
    .await
    .unwrap();
}

async fn answer(socket: &mut WebSocketStream<TlsStream<TcpStream>>, message: &Value) -> Value {
    socket.send(Message::text(message.to_string())).await.unwrap();
    loop {
        let frame = timeout(SOON, socket.next()).await.unwrap().unwrap().unwrap();
        if let Message::Text(text) = frame {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

fn put(directory: &TempDir, [certificate, key]: [&[u8]; 2]) {
    fs::write(directory.path().join("tls.key"), key).unwrap();
    fs::write(directory.path().join("tls.crt"), certificate).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_speaks_tls_and_follows_its_certificate() {
    let testbed = Testbed::new().await.unwrap();
    let directory = TempDir::new().unwrap();
    put(&directory, FIRST);
    let (certificate, key) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
    let variables = [("HTTP_TLS_CERT_FILE", text(&certificate)), ("HTTP_TLS_KEY_FILE", text(&key))];
    let mut gateway = testbed.launch(Role::Serve, &variables).unwrap();
    let address = gateway.base().trim_start_matches("http://").to_owned();
    until_trusted(&address, FIRST[0]).await;
    assert!(connect(&address, SECOND[0]).await.is_err(), "it is another one");
    assert!(reqwest::get(format!("{}/healthz", gateway.base())).await.is_err(), "nothing goes in the clear");

    let mut request = "wss://localhost/graphql".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = client_async(request, connect(&address, FIRST[0]).await.unwrap()).await.unwrap();
    assert_eq!(answer(&mut socket, &json!({ "type": "connection_init" })).await["type"], "connection_ack");

    // A renewed one is for new connections; the old ones go on.
    put(&directory, SECOND);
    until_trusted(&address, SECOND[0]).await;
    assert!(connect(&address, FIRST[0]).await.is_err());
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ __typename }" } });
    assert_eq!(answer(&mut socket, &subscribe).await["payload"]["data"]["__typename"], "Query");

    // What can't be used is told of and changes nothing.
    fs::write(&certificate, "no certificate").unwrap();
    wait::until("a line that says so", SOON, async || {
        let log = gateway.log()?;
        let is_told = log.contains("goes on") && log.contains("holds no certificate");
        Ok(if is_told { Ok(()) } else { Err(anyhow!("{log}")) })
    })
    .await
    .unwrap();
    until_trusted(&address, SECOND[0]).await;
    drop(socket);
    assert!(gateway.terminate().unwrap().success());
    let log = gateway.log().unwrap();
    assert!(log.contains("https://") && !log.contains("PRIVATE KEY"), "{log}");
}
