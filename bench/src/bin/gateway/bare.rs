//! What the framework itself takes: an axum handler that reads the request and answers with bytes that it has.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::{get, post};
use tests::system::ports;
use tests::system::process::Process;
use tests::system::scratch::Scratch;
use tests::wait;
use tokio::net::TcpListener;

/// The first argument of the program when it is to be this handler.
pub(crate) const ROLE: &str = "bare";
const READY_WITHIN: Duration = Duration::from_secs(10);

/// The handler, in a process of its own. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Bare {
    process: Process,
    pub(crate) address: SocketAddr,
    _directory: Scratch,
}

impl Bare {
    pub(crate) async fn start(answer: &[u8]) -> anyhow::Result<Self> {
        let directory = Scratch::new()?;
        let file = directory.path().join("answer");
        fs::write(&file, answer)?;
        let address = SocketAddr::from(([127, 0, 0, 1], ports::free()?));
        let mut command = Command::new(env::current_exe()?);
        command.arg(ROLE).arg(address.to_string()).arg(&file);
        let mut process = Process::new(ROLE, command, &directory.path().join("log"))?;
        process.start()?;
        wait::until("the bare handler to listen", READY_WITHIN, async || {
            Ok(tokio::net::TcpStream::connect(address).await.map(drop).map_err(Into::into))
        })
        .await?;
        Ok(Self { process, address, _directory: directory })
    }

    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.process.id().context("the bare handler has ended")
    }
}

/// Is the handler, until it is killed.
pub(crate) async fn serve(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let address: SocketAddr = arguments.next().context("an address")?.parse()?;
    let answer = Bytes::from(fs::read(Path::new(&arguments.next().context("a file")?))?);
    let handler = move |_: Bytes| {
        let answer = answer.clone();
        async move { ([(header::CONTENT_TYPE, "application/graphql-response+json; charset=utf-8")], answer) }
    };
    let router = Router::new().route("/graphql", post(handler)).route("/readyz", get(|| async {}));
    Ok(axum::serve(TcpListener::bind(address).await?, router).await?)
}
