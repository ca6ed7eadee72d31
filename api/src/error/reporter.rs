use std::{
    error::Error,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use service::{ErrorKind, clock::SharedClock};

use super::{ErrorCode, Fault};

/// Turns what went wrong inside into what a client may read. The rest goes to the log, once, under an id that the
/// client gets too.
#[derive(Clone, Debug)]
pub(crate) struct Reporter(Arc<Ids>);

/// Ids are told apart by the instant and the process that began to count, so that replicas do not share any.
#[derive(Debug)]
struct Ids {
    prefix: String,
    next: AtomicU64,
}

impl Reporter {
    pub(crate) fn new(clock: &SharedClock) -> Self {
        let prefix = format!("{:x}-{:x}", clock.now().timestamp_millis(), std::process::id());
        Self(Arc::new(Ids { prefix, next: AtomicU64::new(1) }))
    }

    fn id(&self) -> String {
        format!("{}-{:x}", self.0.prefix, self.0.next.fetch_add(1, Ordering::Relaxed))
    }

    /// A dependency failed, or the service has a defect.
    pub(crate) fn service(&self, error: &service::Error) -> Fault {
        let (code, message) = if error.is_timeout() {
            (ErrorCode::Timeout, "The database did not answer in time. Try again, or ask for less.")
        } else if error.kind() == ErrorKind::Transient {
            (ErrorCode::Unavailable, "The numbers can't be read right now. Try again in a moment.")
        } else {
            (ErrorCode::Internal, INTERNAL)
        };
        self.report(code, message, &chain(error))
    }

    /// A defect that is no [`service::Error`], told in `detail`.
    pub(crate) fn defect(&self, detail: &str) -> Fault {
        self.report(ErrorCode::Internal, INTERNAL, detail)
    }

    fn report(&self, code: ErrorCode, message: &str, detail: &str) -> Fault {
        let id = self.id();
        if code == ErrorCode::Internal {
            tracing::error!(error.id = %id, error.detail = %detail, "a request failed");
        } else {
            tracing::warn!(error.id = %id, error.detail = %detail, "a request could not be answered");
        }
        Fault { id: Some(id), ..Fault::new(code, message) }
    }
}

const INTERNAL: &str =
    "Something went wrong inside. The operator finds it in the log by the id in `extensions.errorId`.";

/// The error with all its sources, as one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use service::clock::SystemClock;

    use super::*;

    #[test]
    fn nothing_from_inside_reaches_the_message() {
        let clock: SharedClock = Arc::new(SystemClock);
        let reporter = Reporter::new(&clock);
        let error =
            service::Error::Address { variable: "DATABASE_URL", reason: "10.0.0.7 is secret".to_owned() };
        let first = reporter.service(&error);
        assert_eq!((first.code, first.message.as_str()), (ErrorCode::Internal, INTERNAL));
        let second = reporter.service(&service::Error::Unknown { column: "status" });
        assert_ne!(first.id, second.id);
        assert!(!second.message.contains("status"));
    }

    #[test]
    fn the_chain_is_one_line() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(chain(&Outer(std::io::Error::other("inner"))), "outer: inner");
    }
}
