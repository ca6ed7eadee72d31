//! The harness of the integration tests: real servers, real processes, clients that are not our own code.

pub mod clients;
pub mod provision;
pub mod report;
pub mod servers;
pub mod services;
pub mod supervise;
pub mod system;
pub mod testbed;
pub mod unique;
pub mod wait;
