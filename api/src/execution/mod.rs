//! One way from a request to an answer, for every transport: scan, parse, check, execute, and make the errors fit for
//! clients.

mod answer;
mod params;
mod prepare;

use std::{panic::AssertUnwindSafe, time::Duration};

use async_graphql::parser::types::OperationType;
use futures_util::{FutureExt, Stream, StreamExt};

pub(crate) use answer::Answer;
pub(crate) use params::Params;
pub(crate) use prepare::Prepared;

use crate::{
    auth::Identity,
    error::{ErrorCode, Fault, Reporter},
    graphql::{ResumeFrom, Schema},
    settings::Limits,
};

/// A query takes milliseconds; whatever takes this long helps nobody.
const PATIENCE: Duration = Duration::from_secs(30);

/// Executes operations.
pub(crate) struct Executor {
    schema: Schema,
    limits: Limits,
    reporter: Reporter,
}

impl Executor {
    pub(crate) const fn new(schema: Schema, limits: Limits, reporter: Reporter) -> Self {
        Self { schema, limits, reporter }
    }

    /// Everything that can be said about a request without executing it.
    ///
    /// # Errors
    /// The answer to a request that is not to be executed.
    pub(crate) fn prepare(&self, params: Params) -> Result<Prepared, Answer> {
        prepare::prepare(params, &self.limits)
    }

    /// Executes a query or a mutation. A defect in a resolver ends this operation only.
    pub(crate) async fn execute(&self, prepared: Prepared, identity: &Identity) -> Answer {
        if prepared.kind == OperationType::Subscription {
            return Answer::refused(Fault::new(
                ErrorCode::BadUserInput,
                "Subscriptions are served over WebSocket at /graphql and as event streams at /graphql/stream.",
            ));
        }
        let request = prepared.request.data(identity.viewer.clone());
        let execution = AssertUnwindSafe(self.schema.execute(request)).catch_unwind();
        match tokio::time::timeout(PATIENCE, execution).await {
            Ok(Ok(response)) => Answer::of(response, &self.reporter),
            Ok(Err(_panic)) => Answer::failed(self.reporter.defect(PANIC)),
            Err(_elapsed) => Answer::failed(Fault::new(
                ErrorCode::Timeout,
                format!("The operation took longer than {} s. Ask for less at once.", PATIENCE.as_secs()),
            )),
        }
    }

    /// Executes any operation as a stream: a query or mutation gives one answer, a subscription one for each update.
    /// Dropping the stream leaves nothing behind.
    pub(crate) fn stream(
        &self,
        prepared: Prepared,
        identity: &Identity,
        resume: Option<ResumeFrom>,
    ) -> impl Stream<Item = Answer> + Send + 'static + use<> {
        let mut request = prepared.request.data(identity.viewer.clone());
        if let Some(resume) = resume {
            request = request.data(resume);
        }
        let reporter = self.reporter.clone();
        let responses = AssertUnwindSafe(self.schema.execute_stream(request)).catch_unwind();
        // After a panic the library's stream is in no state to be asked again, which its wrapper sees to.
        responses.map(move |response| match response {
            Ok(response) => Answer::of(response, &reporter),
            Err(_panic) => Answer::failed(reporter.defect(PANIC)),
        })
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// The panic itself was written to the log by the hook that sees all of them.
const PANIC: &str = "a resolver panicked";
