//! Clients of what is tested; none of them is the product's own code.

pub mod events;
pub mod graphql;
pub mod kcat;
pub mod socket;

/// Says which cryptography reqwest's clients use. The product says so to its own client; here it is said once for all.
pub(crate) fn use_ring() {
    // It fails where it was said before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
