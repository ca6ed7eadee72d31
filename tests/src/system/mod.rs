//! What the harness needs of the operating system: processes, ports, directories, packages, a browser.

pub mod browser;
pub mod container;
pub mod host;
pub mod packages;
pub mod ports;
pub mod process;
pub mod program;
pub mod scratch;
pub mod usage;
pub mod user;
pub(crate) mod watchdog;
