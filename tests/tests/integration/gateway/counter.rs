use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::Url;
use tests::testbed::Testbed;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Counts the statements that are executed through it on the way to PostgreSQL.
pub(crate) struct Counter {
    pub(crate) url: String,
    executed: Arc<AtomicI64>,
}

impl Counter {
    pub(crate) async fn before(testbed: &Testbed) -> Self {
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
                server.set_nodelay(true).unwrap();
                client.set_nodelay(true).unwrap();
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                tokio::spawn(pass_on(from_client, to_server, Arc::clone(&count)));
            }
        });
        Self { url: url.to_string(), executed }
    }

    /// Statements so far.
    pub(crate) fn executed(&self) -> i64 {
        self.executed.load(Ordering::SeqCst)
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
        // In one piece: a packet in parts waits for the acknowledgement of each.
        let mut packet = if begun { vec![kind] } else { Vec::new() };
        packet.extend(length.to_be_bytes());
        let body = packet.len();
        packet.resize(body + usize::try_from(length).unwrap() - 4, 0);
        client.read_exact(&mut packet[body..]).await?;
        // Execute of a prepared statement, or a simple query.
        if matches!(kind, b'E' | b'Q') {
            executed.fetch_add(1, Ordering::SeqCst);
        }
        begun |= packet[body..].starts_with(&PROTOCOL_3.to_be_bytes());
        server.write_all(&packet).await?;
    }
}
