//! The gateway as its clients meet it, without any service behind it: what needs no numbers must work all the same.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod access;
mod auth;
mod client;
#[path = "../corpus/mod.rs"]
mod corpus;
mod documents;
mod errors;
mod export;
mod hostile;
mod http;
mod pages;
mod schema;
mod stream;
mod websocket;
