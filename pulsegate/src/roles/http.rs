use std::net::SocketAddr;

use axum::{Router, serve::ListenerExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{config::variable::Variable, failure::Failure};

/// Listens on an address; its port may be 0.
pub(super) async fn listen(address: SocketAddr, variable: &Variable) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|fault| Failure::Listen {
        address,
        variable: variable.name,
        fault,
    })
}

/// Answers until `stop` is cancelled; requests that are under way are answered.
pub(super) async fn answer(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let listener = listener.tap_io(|stream| {
        if let Err(fault) = stream.set_nodelay(true) {
            tracing::debug!(%fault, "a connection answers with delay");
        }
    });
    Ok(axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?)
}
