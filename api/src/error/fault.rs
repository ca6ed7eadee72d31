use async_graphql::{ErrorExtensionValues, Pos, ServerError};

use super::ErrorCode;
use crate::guard::Refusal;

/// Whoever sends a long name or value knows it already.
const LONGEST: usize = 500;

/// One error on its way to a client. Cheap to clone, because a batch that fails gives it to every field that waited.
///
/// Has no `Display` on purpose: the GraphQL library turns whatever has one into a message for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    /// Finds the log line that says what really happened.
    pub(crate) id: Option<String>,
}

impl Fault {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: shortened(message.into()), id: None }
    }

    /// `argument` as the client wrote it, and what is wrong with it and allowed, e.g. `is empty; give …`.
    pub(crate) fn input(argument: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::BadUserInput, format!("Argument `{argument}` {problem}."))
    }

    fn extensions(&self) -> ErrorExtensionValues {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.as_str());
        if let Some(id) = &self.id {
            extensions.set("errorId", id.as_str());
        }
        extensions
    }

    /// The error of a whole request, at a place in its document where there is one.
    pub(crate) fn into_server_error(self, at: Option<Pos>) -> ServerError {
        let extensions = Some(self.extensions());
        let mut error = ServerError::new(self.message, at);
        error.extensions = extensions;
        error
    }
}

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(LONGEST) {
        message.truncate(end);
        message.push('…');
    }
    message
}

impl From<Fault> for async_graphql::Error {
    fn from(fault: Fault) -> Self {
        let extensions = Some(fault.extensions());
        Self { extensions, ..Self::new(fault.message) }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::TooMuch { .. } => ErrorCode::QueryTooComplex,
            Refusal::Cycle(_) => ErrorCode::GraphqlValidationFailed,
        };
        Self::new(code, refusal.to_string())
    }
}
