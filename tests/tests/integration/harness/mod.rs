//! The harness itself: a fault that it doesn't cause would be a test that can't fail.

mod kafka;
mod postgres;
mod redis;
mod services;
