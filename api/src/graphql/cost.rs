use std::sync::Arc;

use async_graphql::{
    ServerError, ValidationResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
};

use crate::error::{ErrorCode, Fault};

/// Refuses operations that would cost too much, after validation has counted and before anything runs.
pub(crate) struct CostLimit {
    pub(crate) limit: u64,
}

impl ExtensionFactory for CostLimit {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self { limit: self.limit })
    }
}

#[async_trait::async_trait]
impl Extension for CostLimit {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        let cost = u64::try_from(result.complexity).unwrap_or(u64::MAX);
        if cost > self.limit {
            let message = format!(
                "The operation costs {cost}, and the limit is {}: one for each field, times what its lists may hold. \
                 Ask for fewer fields, smaller pages or fewer buckets.",
                self.limit
            );
            return Err(vec![Fault::new(ErrorCode::QueryTooComplex, message).into_server_error(None)]);
        }
        Ok(result)
    }
}
