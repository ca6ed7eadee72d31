//! Clients of what is tested; none of them is the product's own code.

pub mod events;
pub mod graphql;
pub mod kcat;
pub mod socket;
