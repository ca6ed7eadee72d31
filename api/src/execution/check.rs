use std::sync::{Arc, OnceLock};

use async_graphql::{
    CacheControl, Request, ServerError, ValidationMode, ValidationResult, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
    parser::types::{DocumentOperations, ExecutableDocument},
};
use futures_util::FutureExt;

use super::Asked;
use crate::{
    graphql::{self, Schema},
    settings::Settings,
};

/// Up to here a wrong name is answered with those that were meant, maybe. Looking for them takes a hundred times as long
/// as finding out that the name is wrong, so larger documents have to do without.
const SUGGESTED_UP_TO: (u64, usize) = (400, 4_096);

/// Finds out before anything is executed whether an operation fits the schema, and what it costs.
pub(super) struct Checker {
    strict: Schema,
    suggesting: Schema,
    /// Only counts.
    counting: Schema,
}

type Cost = Arc<OnceLock<usize>>;

impl Checker {
    pub(super) fn new(settings: &Settings) -> Self {
        let checking = || graphql::builder(settings).extension(Meter);
        let strict = checking().disable_suggestions().finish();
        Self {
            // Suggestions would tell the schema bit by bit.
            suggesting: if settings.introspection { checking().finish() } else { strict.clone() },
            strict,
            counting: checking().validation_mode(ValidationMode::Fast).finish(),
        }
    }

    /// What executes operations that were found right here.
    pub(super) fn executing(&self) -> Schema {
        self.strict.clone()
    }

    /// The cost of `chosen`, which holds only the operation of `document` that is asked for.
    ///
    /// # Errors
    /// What is wrong with the document, or with the values of its variables.
    pub(super) fn cost(
        &self,
        asked: &Asked,
        tokens: u64,
        document: ExecutableDocument,
        chosen: &ExecutableDocument,
    ) -> Result<usize, Vec<ServerError>> {
        let (most_tokens, most_bytes) = SUGGESTED_UP_TO;
        let is_small = tokens <= most_tokens && asked.document.len() <= most_bytes;
        let schema = if is_small { &self.suggesting } else { &self.strict };
        let is_alone = matches!(document.operations, DocumentOperations::Single(_));
        let cost = check(schema, document, &asked.variables, asked.operation_name.as_deref())?;
        if is_alone {
            Ok(cost)
        } else {
            // The library adds up all operations of a document.
            check(&self.counting, chosen.clone(), &asked.variables, None)
        }
    }
}

fn check(
    schema: &Schema,
    document: ExecutableDocument,
    variables: &Variables,
    operation_name: Option<&str>,
) -> Result<usize, Vec<ServerError>> {
    let cost = Cost::default();
    let mut request = Request::new("").variables(variables.clone()).data(Arc::clone(&cost));
    request.operation_name = operation_name.map(str::to_owned);
    request.set_parsed_query(document);
    // Nothing is waited for before execution, which the extension keeps from beginning.
    let response = schema.execute(request).now_or_never();
    match (cost.get(), response) {
        (Some(cost), _) => Ok(*cost),
        (None, Some(refused)) => Err(refused.errors),
        (None, None) => Err(vec![ServerError::new("validation waits", None)]),
    }
}

/// Where the cost is asked for, takes note of it, and ends there. Else the operation is executed, because it was found right
/// before: then the library's own checks are left out.
struct Meter;

impl ExtensionFactory for Meter {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Meter {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let Some(cost) = ctx.data_opt::<Cost>() else {
            return Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 });
        };
        let result = next.run(ctx).await?;
        let _ = cost.set(result.complexity);
        Err(Vec::new())
    }
}
