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
pub struct Monitor(Arc<Mutex<ConsumerState>>);

impl Monitor {
    /// How the consumer is doing right now.
    #[must_use]
    pub fn state(&self) -> ConsumerState {
        self.lock().clone()
    }

    pub(crate) fn connected(&self, connected: bool) {
        self.lock().connected = connected;
    }

    pub(crate) fn assigned(&self, partitions: usize) {
        self.lock().assigned = partitions;
    }

    /// Takes note of what is wrong; whether that is news.
    pub(crate) fn trouble(&self, text: &str) -> bool {
        let mut state = self.lock();
        let news = state.trouble.as_deref() != Some(text);
        if news {
            state.trouble = Some(text.to_owned());
        }
        news
    }

    pub(crate) fn fine(&self) {
        self.lock().trouble = None;
    }

    fn lock(&self) -> MutexGuard<'_, ConsumerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
