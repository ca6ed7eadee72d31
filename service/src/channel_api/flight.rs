use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};

use super::Refreshed;
use crate::{Error, Service, domain::EventId};

/// Why an event could not be refreshed at all.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RefreshError {
    /// The database.
    #[error(transparent)]
    Service(Arc<Error>),
    /// It ended without an outcome.
    #[error("the refresh broke off")]
    BrokeOff,
}

type Outcome = Result<Arc<[Refreshed]>, RefreshError>;

/// The events that are being read: whoever asks for one of them meanwhile gets the same outcome.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<EventId, Shared<BoxFuture<'static, Outcome>>>>);

/// Ends a flight, also where it broke down.
struct Landing(Arc<Service>, EventId);

impl Drop for Landing {
    fn drop(&mut self) {
        self.0.flights().0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Service {
    /// Reads an event's channels, together with whoever asks for the same at this time. It goes on when nobody waits for
    /// it any more.
    pub(super) async fn refresh_once(self: &Arc<Self>, id: &EventId) -> Outcome {
        let flight = {
            let mut flights = self.flights().0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(flight) = flights.get(id) {
                flight.clone()
            } else {
                let landing = Landing(Arc::clone(self), id.clone());
                let task = tokio::spawn(async move {
                    let Landing(service, id) = &landing;
                    let outcome = service.refresh_now(id).await;
                    outcome.map(Arc::from).map_err(|error| RefreshError::Service(Arc::new(error)))
                });
                let flight = async { task.await.unwrap_or(Err(RefreshError::BrokeOff)) }.boxed().shared();
                flights.insert(id.clone(), flight.clone());
                flight
            }
        };
        flight.await
    }
}
