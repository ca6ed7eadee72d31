//! One way from a request to an answer, for every transport: scan, parse, check, execute, and make the errors fit for
//! clients.

mod answer;
mod check;
mod introspection;
mod params;
mod prepare;
mod shape;

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::parser::types::OperationType;
use futures_util::{FutureExt, Stream, StreamExt};

use service::{Service, domain::Viewer};

pub(crate) use answer::Answer;
use answer::Finisher;
use check::Checker;
pub(crate) use params::Params;
pub(crate) use prepare::{Parsed, Prepared};
use shape::Types;

use crate::{
    auth::Identity,
    budget::{Bill, Budget},
    error::{ErrorCode, Fault, Reporter},
    graphql::{self, LoaderSlot, Reader, ResumeFrom, Schema},
    settings::{Limits, Settings},
    telemetry,
};

/// A query takes milliseconds; whatever takes this long helps nobody.
const PATIENCE: Duration = Duration::from_secs(30);

/// Executes operations.
pub(crate) struct Executor {
    schema: Schema,
    checker: Checker,
    budget: Budget,
    service: Arc<Service>,
    reporter: Reporter,
    finisher: Arc<Finisher>,
}

impl Executor {
    pub(crate) fn new(service: Arc<Service>, settings: &Settings, reporter: Reporter) -> Self {
        let finisher = Finisher { limits: settings.limits, reporter: reporter.clone(), types: Types::new() };
        let checker = Checker::new(settings);
        let budget = Budget::new(settings.cost_per_minute, settings.limits.cost, service.clock().clone());
        Self {
            schema: graphql::build(settings),
            checker,
            budget,
            service,
            reporter,
            finisher: Arc::new(finisher),
        }
    }

    fn loaders(&self, viewer: Viewer) -> Arc<LoaderSlot> {
        let reader = Reader { service: self.service.clone(), viewer, reporter: self.reporter.clone() };
        Arc::new(LoaderSlot::new(reader))
    }

    /// Everything that can be said about a request without executing it. It is paid for from then on.
    ///
    /// # Errors
    /// The answer to a request that is not to be executed.
    pub(crate) fn prepare(&self, params: Params, identity: &Identity) -> Result<Prepared, Answer> {
        self.check(self.parse(params)?, identity)
    }

    /// Reads the document, and finds the operation that is asked for.
    ///
    /// # Errors
    /// The answer to what can't be read.
    pub(crate) fn parse(&self, params: Params) -> Result<Parsed, Answer> {
        prepare::parse(params, self.limits())
    }

    /// Checks what was parsed against the schema, the limits and the viewer's budget.
    ///
    /// # Errors
    /// The answer to a request that is not to be executed.
    pub(crate) fn check(&self, parsed: Parsed, identity: &Identity) -> Result<Prepared, Answer> {
        let mut prepared = parsed.check(&self.checker, &self.finisher)?;
        let bill = self.charge(identity, prepared.cost).map_err(Answer::unaffordable)?;
        prepared.request = prepared.request.data(bill.charge);
        prepared.bill = Some(bill);
        Ok(prepared)
    }

    /// Takes what something costs from the viewer's budget.
    ///
    /// # Errors
    /// What is left does not suffice: then nothing is taken.
    pub(crate) fn charge(&self, identity: &Identity, cost: usize) -> Result<Bill, Bill> {
        self.budget.charge(&identity.viewer, cost)
    }

    /// Executes a query or a mutation. A defect in a resolver ends this operation only.
    pub(crate) async fn execute(&self, prepared: Prepared, identity: &Identity) -> Answer {
        if prepared.kind == OperationType::Subscription {
            return Answer::refused(Fault::new(
                ErrorCode::BadUserInput,
                "Subscriptions are served over WebSocket at /graphql and as event streams at /graphql/stream.",
            ));
        }
        let since = Instant::now();
        let request = prepared.request.data(self.loaders(identity.viewer.clone()));
        let execution = AssertUnwindSafe(self.schema.execute(request)).catch_unwind();
        let answer = match tokio::time::timeout(PATIENCE, execution).await {
            Ok(Ok(response)) => self.finisher.answer(response, &prepared.document),
            Ok(Err(_panic)) => Answer::failed(self.reporter.defect(PANIC)),
            Err(_elapsed) => Answer::failed(Fault::new(
                ErrorCode::Timeout,
                format!("The operation took longer than {} s. Ask for less at once.", PATIENCE.as_secs()),
            )),
        };
        telemetry::answered(since, &answer);
        answer.charged(prepared.bill)
    }

    /// Executes any operation as a stream: a query or mutation gives one answer, a subscription one for each update.
    /// Dropping the stream leaves nothing behind.
    pub(crate) fn stream(
        &self,
        prepared: Prepared,
        identity: &Identity,
        resume: Option<ResumeFrom>,
    ) -> impl Stream<Item = Answer> + Send + 'static + use<> {
        let mut request = prepared.request.data(self.loaders(identity.viewer.clone()));
        if let Some(resume) = resume {
            request = request.data(resume);
        }
        let finisher = Arc::clone(&self.finisher);
        let document = prepared.document;
        let responses = AssertUnwindSafe(self.schema.execute_stream(request)).catch_unwind();
        // After a panic the library's stream is in no state to be asked again, which its wrapper sees to.
        responses.map(move |response| match response {
            Ok(response) => finisher.answer(response, &document),
            Err(_panic) => Answer::failed(finisher.reporter.defect(PANIC)),
        })
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    pub(crate) const fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.finisher.limits
    }
}

/// The panic itself was written to the log by the hook that sees all of them.
const PANIC: &str = "a resolver panicked";
