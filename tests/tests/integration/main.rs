//! The product as its users meet it: processes, servers and clients for real.

#[cfg(test)]
mod harness;
#[cfg(test)]
mod main_job;
