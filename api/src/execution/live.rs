//! Subscriptions. Those who ask for the same are one audience: what goes to several of them is executed and written
//! once. Each has its own place and pace nevertheless, because an update is known by the step that it is: from which
//! state to which. Whoever comes with a cursor, or was slow, goes steps of their own until they are in step again.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use async_graphql::{
    Response, Variables,
    parser::types::{Field, OperationType, Selection, SelectionSet},
};
use futures_util::{FutureExt, Stream, StreamExt};
use metrics::{Counter, Histogram};
use service::{
    domain::Viewer,
    live::{LiveError, StepKey},
};
use tokio::{sync::OnceCell, time::Instant};
use tracing::Instrument;

use super::{Answer, Executor, PANIC, Prepared, Sent, known::Operation, prepare::Chosen};
use crate::{
    graphql::{Step, Turn, Update},
    telemetry,
};

/// Steps whose updates are kept: whoever goes another one is late, and has it made anew.
const KEPT_STEPS: usize = 4;
/// What belongs to an event is read when its update is made, so an update does not serve latecomers for long.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// What makes subscriptions the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    query: String,
    name: Option<String>,
    /// Without where to go on from.
    variables: String,
    viewer: Viewer,
}

/// An operation that is executed again and again.
struct Template {
    operation: Arc<Operation>,
    variables: Variables,
    viewer: Viewer,
}

impl Template {
    fn key(&self) -> Key {
        let Operation { text, name, chosen, .. } = self.operation.as_ref();
        let resumes_from = resumes_from(chosen, text);
        let variables: BTreeMap<_, _> = self
            .variables
            .iter()
            .filter(|(name, _)| Some(name.as_str()) != resumes_from.as_deref())
            .collect();
        Key {
            query: text.clone(),
            name: name.clone(),
            variables: serde_json::to_string(&variables).unwrap_or_default(),
            viewer: self.viewer.clone(),
        }
    }
}

/// All who ask for the same.
struct Audience {
    template: Template,
    kept: Mutex<VecDeque<Kept>>,
}

struct Kept {
    step: StepKey,
    since: Instant,
    sent: Arc<OnceCell<Arc<Sent>>>,
}

/// The audiences of this process.
pub(super) struct Audiences {
    all: Mutex<HashMap<Key, Weak<Audience>>>,
    delivered: Counter,
    executed: Counter,
    latency: Histogram,
}

impl Audiences {
    pub(super) fn new() -> Self {
        Self {
            all: Mutex::default(),
            delivered: metrics::counter!(telemetry::LIVE_UPDATES),
            executed: metrics::counter!(telemetry::LIVE_EXECUTIONS),
            latency: metrics::histogram!(telemetry::LIVE_LATENCY),
        }
    }

    /// Joins those who ask for the same.
    fn join(&self, template: Template) -> Arc<Audience> {
        let key = template.key();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(audience) = all.get(&key).and_then(Weak::upgrade) {
            return audience;
        }
        // Before it grows, those who are gone make room.
        if all.len() == all.capacity() {
            all.retain(|_, audience| audience.strong_count() > 0);
        }
        let audience = Arc::new(Audience { template, kept: Mutex::default() });
        all.insert(key, Arc::downgrade(&audience));
        audience
    }
}

/// The variable that says where to go on from, if it says nothing else.
fn resumes_from(chosen: &Chosen, query: &str) -> Option<String> {
    let field = root_field(&chosen.selection, chosen)?;
    let (_, value) = field.arguments.iter().find(|(name, _)| name.node == "after")?;
    let value = value.node.to_string();
    let name = value.strip_prefix('$')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = query.split('$').skip(1).filter_map(|rest| rest.split(|c| !is_name(c)).next());
    // Where it is declared, and there.
    (names.filter(|used| *used == name).count() == 2).then(|| name.to_owned())
}

fn root_field<'a>(set: &'a SelectionSet, document: &'a Chosen) -> Option<&'a Field> {
    set.items.iter().find_map(|selection| match &selection.node {
        Selection::Field(field) => Some(&field.node),
        Selection::InlineFragment(fragment) => root_field(&fragment.node.selection_set.node, document),
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node)?;
            root_field(&fragment.node.selection_set.node, document)
        }
    })
}

/// Follows what a subscription asks for.
pub(super) fn follow(
    executor: &Arc<Executor>,
    prepared: Prepared,
    viewer: Viewer,
    resume: Option<String>,
) -> impl Stream<Item = Arc<Sent>> + Send + 'static + use<> {
    let executor = Arc::clone(executor);
    // Boxed, so that a stream keeps no room for what is done once.
    let beginning = {
        let executor = Arc::clone(&executor);
        Box::pin(async move { executor.begin(prepared, viewer, resume).await })
    };
    async_stream::stream! {
        let begun = beginning.await;
        let (audience, mut steps) = match begun {
            Ok(begun) => begun,
            Err(refused) => {
                yield Arc::new(Sent::answer(&refused));
                return;
            }
        };
        while let Some(step) = steps.next().await {
            match step {
                Ok(step) => {
                    let sent = match audience.kept(&step) {
                        Some(sent) => sent,
                        None => Box::pin(audience.make(&executor, step)).await,
                    };
                    executor.audiences.delivered.increment(1);
                    yield sent;
                }
                Err(error) => {
                    yield Arc::new(Box::pin(audience.show(&executor, Err(error))).await);
                    return;
                }
            }
        }
    }
}

type Steps = futures_util::stream::BoxStream<'static, Result<Step, LiveError>>;

impl Executor {
    /// Finds out what is followed.
    async fn begin(
        &self,
        prepared: Prepared,
        viewer: Viewer,
        resume: Option<String>,
    ) -> Result<(Arc<Audience>, Steps), Answer> {
        let Prepared { operation, variables, .. } = prepared;
        let template = Template { operation, variables, viewer };
        let turn = Turn::find();
        let response = self.turn(&template, &turn).await;
        match (turn.found(), response) {
            (Some(followed), _) => {
                let steps =
                    followed.steps(&self.service, template.viewer.clone(), resume, self.resume_window);
                Ok((self.audiences.join(template), steps))
            }
            (None, Some(response)) => Err(self.finisher.answer(response, &template.operation.chosen)),
            (None, None) => Err(Answer::failed(self.reporter.defect(PANIC))),
        }
    }

    /// The response of a turn, if there is one. A defect in a resolver ends this turn only.
    async fn turn(&self, template: &Template, turn: &Arc<Turn>) -> Option<Response> {
        let request = template.operation.request(template.variables.clone());
        let request =
            request.data(Executor::loaders(self.reader(template.viewer.clone()))).data(Arc::clone(turn));
        let mut responses = self.schema.execute_stream(request);
        let span = telemetry::operation(OperationType::Subscription, template.operation.name.as_deref());
        AssertUnwindSafe(responses.next()).catch_unwind().instrument(span).await.ok().flatten()
    }
}

impl Audience {
    /// What was made of the step for somebody else.
    fn kept(&self, step: &Step) -> Option<Arc<Sent>> {
        let key = step.key()?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().find(|known| known.step == key && known.since.elapsed() < KEPT_FOR)?;
        known.sent.get().cloned()
    }

    /// Makes the update of a step, or waits for whoever is making it.
    async fn make(&self, executor: &Executor, step: Step) -> Arc<Sent> {
        let Some(key) = step.key() else { return Arc::new(self.show(executor, Ok(step.update())).await) };
        let sent = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.retain(|known| known.since.elapsed() < KEPT_FOR);
            if let Some(known) = kept.iter().find(|known| known.step == key) {
                Arc::clone(&known.sent)
            } else {
                kept.truncate(KEPT_STEPS - 1);
                let sent = Arc::<OnceCell<Arc<Sent>>>::default();
                kept.push_front(Kept { step: key, since: Instant::now(), sent: Arc::clone(&sent) });
                sent
            }
        };
        let show = async || {
            let sent = self.show(executor, Ok(step.update())).await;
            Arc::new(match step.due_at() {
                Some(at) => sent.due(at, &executor.audiences.latency),
                None => sent,
            })
        };
        Arc::clone(sent.get_or_init(show).await)
    }

    /// Executes one update.
    async fn show(&self, executor: &Executor, update: Result<Update, LiveError>) -> Sent {
        executor.audiences.executed.increment(1);
        let cursor = update.as_ref().ok().map(|update| update.cursor().to_owned());
        let turn = Turn::show(update, &executor.reporter);
        let answer = match executor.turn(&self.template, &turn).await {
            Some(response) => executor.finisher.answer(response, &self.template.operation.chosen),
            None => Answer::failed(executor.reporter.defect(PANIC)),
        };
        match cursor {
            Some(cursor) => Sent::update(&answer, &cursor),
            None => Sent::answer(&answer),
        }
    }
}
