//! One way from a request to an answer, for every transport: scan, parse, check, execute, and make the errors fit for
//! clients.

mod answer;
mod check;
mod introspection;
mod known;
mod live;
mod params;
mod prepare;
mod rendered;
mod sent;
mod shape;

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::parser::types::OperationType;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use metrics::Counter;

use service::{Service, domain::Viewer};
use tokio::task::unconstrained;
use tracing::Instrument;

pub(crate) use answer::Answer;
use answer::Finisher;
use check::Checker;
use known::Known;
pub(crate) use params::{Asked, Params};
use prepare::{Parsed, Prepared};
use rendered::Executed;
pub(crate) use rendered::{Outcome, Rendered};
pub(crate) use sent::Sent;
use shape::Types;

use crate::{
    auth::Identity,
    budget::{Bill, Budget},
    documents::Documents,
    error::{ErrorCode, Fault, Reporter},
    graphql::{LoaderSlot, Reader, Schema},
    http,
    response_cache::Kept,
    settings::{Limits, Settings},
    telemetry,
};

/// A query takes milliseconds; whatever takes this long helps nobody.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a request may do by the way that it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    /// Only read.
    Reading,
    /// Read and write.
    Any,
}

/// Executes operations.
pub(crate) struct Executor {
    schema: Schema,
    checker: Checker,
    known: Known,
    budget: Budget,
    documents: Documents,
    service: Arc<Service>,
    reporter: Reporter,
    finisher: Arc<Finisher>,
    audiences: live::Audiences,
    resume_window: Duration,
}

impl Executor {
    pub(crate) fn new(service: Arc<Service>, settings: &Settings, reporter: Reporter) -> Self {
        let finisher = Finisher { limits: settings.limits, reporter: reporter.clone(), types: Types::new() };
        let checker = Checker::new(settings);
        let trusted =
            settings.trusted_documents.clone().map(|trusted| trusted.with_texts_of(&http::documents()));
        let budget = Budget::new(settings.cost_per_minute, settings.limits.cost, service.clock().clone());
        Self {
            schema: checker.executing(),
            checker,
            known: Known::new(),
            budget,
            documents: Documents::new(Arc::clone(&service), trusted),
            service,
            reporter,
            finisher: Arc::new(finisher),
            audiences: live::Audiences::new(),
            resume_window: settings.resume_window,
        }
    }

    fn reader(&self, viewer: Viewer) -> Reader {
        Reader::new(self.service.clone(), viewer, self.reporter.clone())
    }

    fn loaders(reader: Reader) -> Arc<LoaderSlot> {
        Arc::new(LoaderSlot::new(reader))
    }

    /// Answers one request for good. A subscription is refused: its answers come as a stream. `on_change` is called before
    /// anything is changed: nobody is to wait for that to be told the same.
    pub(crate) async fn respond(
        &self,
        params: Params,
        identity: &Identity,
        by: Method,
        on_change: impl FnOnce() + Send,
    ) -> Rendered {
        match self.documents.find(params).await {
            Ok(asked) => self.render(asked, identity, by, on_change).await,
            Err(fault) => Rendered::refused(fault),
        }
    }

    /// From a document and its variables to the bytes of the answer.
    async fn render(
        &self,
        asked: Asked,
        identity: &Identity,
        by: Method,
        on_change: impl FnOnce() + Send,
    ) -> Rendered {
        let prepared = match self.parse(asked) {
            Ok(parsed) if by == Method::Reading && parsed.kind() == OperationType::Mutation => {
                return Rendered::not_here();
            }
            Ok(parsed) => self.check(parsed, identity),
            Err(refused) => Err(refused),
        };
        match prepared {
            Ok(prepared) => {
                if prepared.operation.kind == OperationType::Mutation {
                    on_change();
                }
                self.execute(prepared, identity).await.into()
            }
            Err(refused) => refused.into(),
        }
    }

    /// The same answer once more, to somebody who pays for it.
    pub(crate) fn recall(&self, kept: &Kept, identity: &Identity) -> Rendered {
        match self.charge(identity, kept.cost) {
            Ok(bill) => {
                kept.recalls.increment(1);
                let body = Arc::clone(&kept.body);
                Rendered {
                    body,
                    outcome: Outcome::Complete,
                    bill: Some(bill),
                    holds: None,
                    recalls: Counter::noop(),
                }
            }
            Err(bill) => Answer::unaffordable(bill).into(),
        }
    }

    /// Everything that can be said about a request without executing it. It is paid for from then on.
    ///
    /// # Errors
    /// The answer to a request that is not to be executed.
    pub(crate) async fn prepare(&self, params: Params, identity: &Identity) -> Result<Prepared, Answer> {
        self.check(self.read(params).await?, identity)
    }

    /// Finds the document, and in it the operation that is asked for.
    ///
    /// # Errors
    /// The answer to what can't be found or read.
    pub(crate) async fn read(&self, params: Params) -> Result<Parsed, Answer> {
        self.parse(self.documents.find(params).await.map_err(Answer::refused)?)
    }

    fn parse(&self, asked: Asked) -> Result<Parsed, Answer> {
        prepare::parse(asked, self.limits(), &self.known)
    }

    /// Checks what was parsed against the schema, the limits and the viewer's budget.
    ///
    /// # Errors
    /// The answer to a request that is not to be executed.
    pub(crate) fn check(&self, parsed: Parsed, identity: &Identity) -> Result<Prepared, Answer> {
        let mut prepared = parsed.check(&self.checker, &self.finisher, &self.known)?;
        prepared.bill = Some(self.charge(identity, prepared.cost).map_err(Answer::unaffordable)?);
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
    async fn execute(&self, prepared: Prepared, identity: &Identity) -> Executed {
        let operation = &prepared.operation;
        if operation.kind == OperationType::Subscription {
            return Executed::from(Answer::refused(Fault::new(
                ErrorCode::BadUserInput,
                "Subscriptions are served over WebSocket at /graphql and as event streams at /graphql/stream.",
            )));
        }
        let since = Instant::now();
        let span = telemetry::operation(operation.kind, operation.name.as_deref());
        let reader = self.reader(identity.viewer.clone());
        let provenance = Arc::clone(reader.provenance());
        let mut request = operation.request(prepared.variables.clone()).data(Self::loaders(reader));
        if let Some(bill) = &prepared.bill {
            request = request.data(bill.charge);
        }
        // Tokio would now and then make a field wait for its turn that could go on, and so miss the statement of its level.
        let execution = unconstrained(Box::pin(self.schema.execute(request)));
        let execution = AssertUnwindSafe(execution).catch_unwind().instrument(span.clone());
        let answer = match tokio::time::timeout(PATIENCE, execution).await {
            Ok(Ok(response)) => self.finisher.answer(response, &operation.chosen),
            Ok(Err(_panic)) => Answer::failed(self.reporter.defect(PANIC)),
            Err(_elapsed) => Answer::failed(Fault::new(
                ErrorCode::Timeout,
                format!("The operation took longer than {} s. Ask for less at once.", PATIENCE.as_secs()),
            )),
        };
        operation.answers.executed(operation.name.as_deref(), since, &answer, &span);
        let is_kept = operation.kind == OperationType::Query && answer.code().is_none();
        let holds = if is_kept { provenance.taken() } else { None };
        let recalls = operation.answers.recalls();
        Executed { answer: answer.charged(prepared.bill), holds, recalls }
    }

    /// Executes any operation as a stream: a query or mutation gives one answer, a subscription one for each update.
    /// Dropping the stream leaves nothing behind. `resume` is a cursor that came beside the document.
    pub(crate) fn stream(
        self: &Arc<Self>,
        prepared: Prepared,
        identity: &Identity,
        resume: Option<String>,
    ) -> impl Stream<Item = Arc<Sent>> + Send + 'static + use<> {
        telemetry::subscribed(prepared.operation.kind, prepared.operation.name.as_deref());
        if prepared.operation.kind == OperationType::Subscription {
            return live::follow(self, prepared, identity.viewer.clone(), resume).left_stream();
        }
        let (executor, identity) = (Arc::clone(self), identity.clone());
        let answer =
            async move { Arc::new(Sent::answer(&executor.execute(prepared, &identity).await.answer)) };
        stream::once(Box::pin(answer)).right_stream()
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
