use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How the consumer is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerState {
    /// Whether a broker was reached and none of them was lost since.
    pub connected: bool,
    /// Partitions that are being read.
    pub assigned: usize,
    /// What is wrong at the moment, for a human; `None` where nothing is.
    pub trouble: Option<String>,
}

/// Follows a running consumer; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Monitor(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    state: ConsumerState,
    /// Whether a broker was looked for with an outcome.
    looked: bool,
}

impl Monitor {
    /// How the consumer is doing right now.
    #[must_use]
    pub fn state(&self) -> ConsumerState {
        self.lock().state.clone()
    }

    /// Takes note of whether a broker can be reached; whether that is news.
    pub(crate) fn connected(&self, connected: bool) -> bool {
        let mut inner = self.lock();
        let news = !inner.looked || inner.state.connected != connected;
        inner.looked = true;
        inner.state.connected = connected;
        news
    }

    pub(crate) fn assigned(&self, partitions: usize) {
        self.lock().state.assigned = partitions;
        crate::metrics::assigned(partitions);
    }

    /// Takes note of what is wrong; whether that is news.
    pub(crate) fn trouble(&self, text: &str) -> bool {
        let mut inner = self.lock();
        let news = inner.state.trouble.as_deref() != Some(text);
        if news {
            inner.state.trouble = Some(text.to_owned());
        }
        news
    }

    pub(crate) fn fine(&self) {
        self.lock().state.trouble = None;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_news() {
        let monitor = Monitor::default();
        assert!(monitor.connected(false) && !monitor.connected(false) && monitor.connected(true));
        assert!(monitor.trouble("a") && !monitor.trouble("a") && monitor.trouble("b"));
        monitor.fine();
        assert_eq!(monitor.state(), ConsumerState { connected: true, assigned: 0, trouble: None });
        assert!(monitor.trouble("b"));
    }
}
