//! The gateway as its clients meet it, without any service behind it: what needs no numbers must work all the same.

mod auth;
mod client;
mod errors;
mod http;
mod pages;
mod schema;
mod stream;
mod websocket;
