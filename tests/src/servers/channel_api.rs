//! A channel API, as real as the others: it answers over HTTP, or misbehaves in any way that servers do.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::system::program;

/// What it does with a request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answers 200 with this body.
    Body(String),
    /// Answers like that after a while.
    Later(Duration, String),
    /// Answers with this status, these header lines and this body.
    Status(u16, String, String),
    /// Sends a head, then a byte of the body now and then.
    Drip,
    /// Sends so many bytes without saying beforehand how many they are.
    Flood(usize),
    /// Closes the connection without a word.
    HangUp,
    /// Takes the request and says nothing.
    Silence,
}

/// Made once, for a hundred years.
const CERTIFICATES: &str = "tests/src/servers/certificates";

type Answer = Arc<dyn Fn(&str) -> Behaviour + Send + Sync>;

/// A server that does what a function says for each path.
pub struct ChannelApi {
    base: String,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

impl std::fmt::Debug for ChannelApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelApi").field("base", &self.base).finish_non_exhaustive()
    }
}

impl ChannelApi {
    /// Answers on a free port, for as long as the runtime lives.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(answer: impl Fn(&str) -> Behaviour + Send + Sync + 'static) -> io::Result<Self> {
        Self::start_as("http", None, answer).await
    }

    /// The same over TLS, with a certificate by the authority of [`authority`] for 127.0.0.1.
    ///
    /// # Errors
    /// No port is free, or the certificate can't be read.
    pub async fn start_with_tls(
        answer: impl Fn(&str) -> Behaviour + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let folder = program::repository().join(CERTIFICATES);
        let certificate = CertificateDer::from_pem_file(folder.join("server.pem"))?;
        let key = PrivateKeyDer::from_pem_file(folder.join("server.key"))?;
        let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        Ok(Self::start_as("https", Some(TlsAcceptor::from(Arc::new(tls))), answer).await?)
    }

    async fn start_as(
        scheme: &str,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Behaviour + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("{scheme}://{}", listener.local_addr()?);
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Arc::new(answer)));
        let asked: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let (answers, counts) = (Arc::clone(&answer), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, answers, counts) = (tls.clone(), Arc::clone(&answers), Arc::clone(&counts));
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => serve(tls.accept(stream).await?, answers, counts).await,
                        None => serve(stream, answers, counts).await,
                    }
                });
            }
        });
        Ok(Self { base, answer, asked })
    }

    /// The base URL.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Does something else from now on.
    pub fn behave(&self, answer: impl Fn(&str) -> Behaviour + Send + Sync + 'static) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(answer);
    }

    /// How often each path was asked for.
    #[must_use]
    pub fn asked(&self) -> HashMap<String, usize> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.asked().values().sum()
    }
}

/// The certificate of the authority that signed what [`ChannelApi::start_with_tls`] shows, as a file.
#[must_use]
pub fn authority() -> PathBuf {
    program::repository().join(CERTIFICATES).join("authority.pem")
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<Mutex<HashMap<String, usize>>>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if stream.read_line(&mut first).await? == 0 {
            return Ok(());
        }
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 2 {
            line.clear();
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        *asked.lock().unwrap_or_else(PoisonError::into_inner).entry(path.clone()).or_default() += 1;
        let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match answer(&path) {
            Behaviour::Body(body) => {
                send(&mut stream, 200, "Content-Type: application/json\r\n", &body).await?;
            }
            Behaviour::Later(pause, body) => {
                tokio::time::sleep(pause).await;
                send(&mut stream, 200, "Content-Type: application/json\r\n", &body).await?;
            }
            Behaviour::Status(status, head, body) => send(&mut stream, status, &head, &body).await?,
            Behaviour::Drip => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await?;
                for _ in 0..1000 {
                    stream.write_all(b" ").await?;
                    stream.flush().await?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Behaviour::Flood(bytes) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"views\":").await?;
                let spaces = vec![b' '; 64 * 1024];
                for _ in 0..bytes.div_ceil(spaces.len()) {
                    stream.write_all(&spaces).await?;
                }
                stream.write_all(b"1}").await?;
                return stream.shutdown().await;
            }
            Behaviour::HangUp => return Ok(()),
            Behaviour::Silence => tokio::time::sleep(Duration::from_secs(600)).await,
        }
    }
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    status: u16,
    head: &str,
    body: &str,
) -> io::Result<()> {
    let text = format!("HTTP/1.1 {status} X\r\n{head}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}
