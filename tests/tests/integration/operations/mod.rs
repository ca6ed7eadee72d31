//! What operators see and do: starts, stops, checks, metrics, traces, and what is deployed.

mod check;
mod deploy;
mod metrics;
mod order;
mod proxy;
mod slow;
mod stop;
mod traces;
