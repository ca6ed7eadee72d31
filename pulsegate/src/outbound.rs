//! Requests that the process makes itself: for the issuer's keys, and to whoever collects traces.

use std::{fmt, io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry_http::{HttpClient, HttpError};

/// No answer that is waited for here is longer.
const LONGEST: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// Speaks HTTP/1.1, with TLS by the certificates that this machine trusts. Follows no redirects: what was configured is
/// asked, and nobody else.
#[derive(Clone)]
pub(crate) struct Outbound {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: tokio::runtime::Handle,
}

impl Outbound {
    /// To be called within the runtime that is to do the work.
    ///
    /// # Errors
    /// This machine has no certificates to trust.
    pub(crate) fn new() -> io::Result<Self> {
        let connector =
            HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, runtime: tokio::runtime::Handle::current() })
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let client = self.client.clone();
        let exchange = async move {
            let response = client.request(request.map(Full::new)).await.map_err(|fault| reason(&fault))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LONGEST).collect().await.map_err(|fault| fault.to_string())?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        // The timer, too, belongs to the runtime.
        let exchange = self.runtime.spawn(async { tokio::time::timeout(PATIENCE, exchange).await });
        match exchange.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_elapsed)) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
            Err(fault) => Err(fault.to_string()),
        }
    }

    /// The body of a successful answer.
    pub(crate) async fn get(&self, address: &Uri) -> Result<Vec<u8>, String> {
        let request = Request::get(address.clone())
            .header(http::header::ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|fault| fault.to_string())?;
        let response = self.send(request).await?;
        let status = response.status();
        if status.is_redirection() {
            return Err(format!("it answers {status}, and redirects are not followed"));
        }
        if !status.is_success() {
            return Err(format!("it answers {status}"));
        }
        Ok(response.into_body().into())
    }
}

/// The innermost reason, as the outer ones only say that something failed.
fn reason(fault: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = fault;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

/// For the exporter, whose thread has no runtime of its own.
#[async_trait]
impl HttpClient for Outbound {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.send(request).await.map_err(Into::into)
    }
}

/// An issuer's keys at an address.
pub(crate) struct PublishedKeys {
    pub(crate) address: Uri,
    pub(crate) outbound: Outbound,
}

#[async_trait]
impl api::KeySource for PublishedKeys {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        self.outbound.get(&self.address).await
    }
}
