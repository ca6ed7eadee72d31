//! The harness of the integration tests: real servers, real processes, clients that are not our own code.

pub mod provision;
pub mod report;
pub mod servers;
pub mod services;
pub mod supervise;
pub mod system;
pub mod unique;
pub mod wait;
