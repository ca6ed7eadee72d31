use std::sync::Arc;

use async_graphql::{
    Context, Data, Response,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};
use service::{Service, domain::Viewer};

use super::loaders::{Loaders, Reader};
use crate::error::Reporter;

/// The loaders of this execution.
pub(crate) fn loaders<'a>(ctx: &Context<'a>) -> &'a Loaders {
    ctx.data_unchecked::<Loaders>()
}

/// Who asks, outside of an execution: while a subscription is set up.
pub(crate) fn viewer(ctx: &Context<'_>) -> Viewer {
    ctx.data_unchecked::<Viewer>().clone()
}

/// Gives each execution a fresh set of loaders: one per request, and one per update of a subscription, so that an
/// update never shows what an earlier one read.
pub(crate) struct FreshLoaders;

impl ExtensionFactory for FreshLoaders {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for FreshLoaders {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let reader = Reader {
            service: ctx.data_unchecked::<Arc<Service>>().clone(),
            viewer: ctx.data_unchecked::<Viewer>().clone(),
            reporter: ctx.data_unchecked::<Reporter>().clone(),
        };
        let mut data = Data::default();
        data.insert(Loaders::new(reader));
        next.run_with_data(ctx, operation_name, data).await
    }
}
