//! The product as its users meet it: processes, servers and clients for real.

#[cfg(test)]
mod boundaries;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod ingest;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod live;
#[cfg(test)]
mod main_job;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod rebalance;
#[cfg(test)]
mod security;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod upkeep;
