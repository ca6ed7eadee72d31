use std::{
    convert::Infallible,
    error::Error,
    io, iter,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::{
    config::{Http, variable::Variable},
    failure::Failure,
    tls::Certificate,
};

/// Headers beside a query string of the longest kind.
const HEADERS: u64 = 32 * 1024;
/// As when the process has too many files open: others close some.
const BREATH: Duration = Duration::from_millis(100);
/// How long requests that are under way may take once the process stops.
const FINISH_WITHIN: Duration = Duration::from_secs(4);
/// A WebSocket is given as long, and sees for itself that it is: so each is counted once.
const LATER: Duration = Duration::from_secs(1);

/// What answers the requests of one connection.
pub(super) trait Answers:
    Service<http::Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Answers for S where
    S: Service<http::Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Listens on an address; its port may be 0.
pub(super) async fn listen(address: SocketAddr, variable: &Variable) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|fault| Failure::Listen {
        address,
        variable: variable.name,
        fault,
    })
}

/// Answers until `stop` is cancelled and a little longer, so that whoever asks hears that it is not ready any more;
/// requests that are under way then are answered.
pub(super) async fn answer<S: Answers>(
    listener: TcpListener,
    service: impl Fn(IpAddr) -> S,
    settings: Http,
    certificate: Option<Arc<Certificate>>,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let builder = Arc::new(builder(&settings));
    let connections = GracefulShutdown::new();
    let over = async {
        stop.cancelled().await;
        tokio::time::sleep(settings.shutdown_grace).await;
    };
    let mut over = std::pin::pin!(over);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut over => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(fault) => {
                    tracing::debug!(%fault, "a connection was not accepted");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            }
        };
        let serve = serve(
            stream,
            service(peer.ip()),
            Arc::clone(&builder),
            settings,
            certificate.clone(),
            connections.watcher(),
        );
        tokio::spawn(serve);
    }
    drop(listener);
    if timeout(FINISH_WITHIN, connections.shutdown()).await.is_err() {
        tracing::debug!("some requests were not waited for");
    }
    Ok(())
}

fn builder(settings: &Http) -> Builder<TokioExecutor> {
    let longest = usize::try_from(settings.longest_line + HEADERS).unwrap_or(usize::MAX);
    // Without TLS browsers speak HTTP/1.1 only, and so do proxies to what is behind them. With it nothing else is offered.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    // A client that sends its headers byte by byte, or nothing at all, keeps no connection for ever.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_buf_size(longest.max(64 * 1024));
    builder
}

/// Serves one connection, once its client has said something.
async fn serve<S: Answers>(
    stream: TcpStream,
    service: S,
    builder: Arc<Builder<TokioExecutor>>,
    settings: Http,
    certificate: Option<Arc<Certificate>>,
    watcher: Watcher,
) {
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(%fault, "a connection answers with delay");
    }
    // The time limit for headers begins with their first byte.
    if !matches!(timeout(settings.header_timeout, stream.peek(&mut [0])).await, Ok(Ok(1..))) {
        return;
    }
    // What a client is sent and does not take would be kept for it.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(settings.send_timeout + LATER));
    let stream = Box::pin(stream);
    match certificate {
        None => speak(stream, service, &builder, watcher).await,
        Some(certificate) => {
            match timeout(settings.header_timeout, certificate.acceptor().accept(stream)).await {
                Ok(Ok(stream)) => speak(stream, service, &builder, watcher).await,
                Ok(Err(fault)) => tracing::debug!(%fault, "a client did not agree on TLS"),
                Err(_elapsed) => tracing::debug!("a client took too long to agree on TLS"),
            }
        }
    }
}

/// Speaks HTTP until the connection ends.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: impl Answers,
    builder: &Builder<TokioExecutor>,
    watcher: Watcher,
) {
    let connection = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service))
        .into_owned();
    if let Err(fault) = watcher.watch(connection).await {
        if is_stalled(&*fault) {
            api::client_stalled();
        }
        tracing::debug!(fault, "a connection broke off");
    }
}

/// Whether the client took nothing for too long.
fn is_stalled(fault: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(fault), |&fault| fault.source())
        .filter_map(|fault| fault.downcast_ref::<io::Error>())
        .any(|fault| fault.kind() == io::ErrorKind::TimedOut)
}
