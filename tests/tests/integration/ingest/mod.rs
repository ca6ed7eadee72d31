//! The statistics don't depend on the order of arrival, on repetition, or on who writes beside whom.

mod delivery;
mod history;
mod order;
mod places;
mod writers;
