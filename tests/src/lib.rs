//! The harness of the integration tests: real servers, real processes, clients that are not our own code.
//!
//! `make test` and `make integration` run the tests under the program `services`, which installs what is missing,
//! starts PostgreSQL, Redis and Kafka once for all of them, and ends by naming what was real. `cargo test -p tests`
//! works too: then the test process itself starts the servers that are installed, and fails where there are none.
//! Either way the servers that `TEST_DATABASE_URL`, `TEST_REDIS_URL` and `TEST_KAFKA_BROKERS` name are used as they
//! are.
//!
//! A test asks for a [`testbed::Testbed`], which has a database, a Redis key space, topics and a consumer group of
//! its own, and starts the product on it. One that kills or freezes a server starts its own ([`servers`]) and builds
//! the test bed on that.

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
