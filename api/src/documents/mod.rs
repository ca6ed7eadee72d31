//! How a request names its document: by its text, by the text's hash, or by an id in a manifest of trusted documents.

mod manifest;

use std::sync::Arc;

use service::{DocumentHash, Service};

pub use manifest::{InvalidManifest, TrustedDocuments};

use crate::{
    error::{ErrorCode, Fault},
    execution::{Asked, Params},
};

/// What a request says of its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// The text itself.
    Text(String),
    /// An automatic persisted query: the hash alone, or with the text for the gateway to keep.
    Persisted {
        /// As the client wrote it.
        hash: String,
        text: Option<String>,
    },
    /// The id of a trusted document.
    Id(String),
}

/// Finds documents.
pub(crate) struct Documents {
    service: Arc<Service>,
    trusted: Option<TrustedDocuments>,
}

impl Documents {
    pub(crate) const fn new(service: Arc<Service>, trusted: Option<TrustedDocuments>) -> Self {
        Self { service, trusted }
    }

    /// Finds the text that a request means.
    ///
    /// # Errors
    /// There is none, or it may not be asked for here.
    pub(crate) async fn find(&self, params: Params) -> Result<Asked, Fault> {
        let Params { document, operation_name, variables } = params;
        let document = match document {
            Reference::Text(text) => self.acceptable(text)?,
            Reference::Id(id) => self.trusted(&id).ok_or_else(|| unknown_id(&id))?,
            Reference::Persisted { hash, text: None } => self.persisted(&hash).await?,
            Reference::Persisted { hash, text: Some(text) } => self.keep(&hash, text).await?,
        };
        Ok(Asked { document, operation_name, variables })
    }

    fn trusted(&self, id: &str) -> Option<String> {
        self.trusted.as_ref()?.by_id(id).map(str::to_owned)
    }

    /// A text that is sent along, where any is taken or it is a trusted one.
    fn acceptable(&self, text: String) -> Result<String, Fault> {
        match &self.trusted {
            Some(trusted) if trusted.is_exclusive() && !trusted.has(&text) => {
                let message =
                    "Only the documents of this gateway's manifest are executed, and this is none of them.";
                Err(Fault::new(ErrorCode::Forbidden, message))
            }
            _ => Ok(text),
        }
    }

    async fn persisted(&self, hash: &str) -> Result<String, Fault> {
        // Clients of a manifest may name its documents this way, whatever their ids look like.
        if let Some(text) = self.trusted(hash) {
            return Ok(text);
        }
        let kept = match DocumentHash::parse(hash) {
            Some(hash) if !self.is_exclusive() => self.service.document(hash).await,
            _ => None,
        };
        kept.ok_or_else(|| Fault::new(ErrorCode::PersistedQueryNotFound, NOT_FOUND))
    }

    async fn keep(&self, hash: &str, text: String) -> Result<String, Fault> {
        let text = self.acceptable(text)?;
        if self.trusted(hash).is_some_and(|trusted| trusted == text) {
            return Ok(text);
        }
        let found = DocumentHash::of(&text);
        if DocumentHash::parse(hash) != Some(found) {
            let message = "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`; give that, as 64 \
                           hexadecimal digits.";
            return Err(Fault::new(ErrorCode::BadUserInput, message));
        }
        if !self.is_exclusive() {
            self.service.keep_document(found, &text).await;
        }
        Ok(text)
    }

    fn is_exclusive(&self) -> bool {
        self.trusted.as_ref().is_some_and(TrustedDocuments::is_exclusive)
    }
}

/// Clients look for these very letters, and then send the text along.
const NOT_FOUND: &str = "PersistedQueryNotFound";

fn unknown_id(id: &str) -> Fault {
    let message = format!("The manifest of this gateway has no document with the id \"{id}\".");
    Fault::new(ErrorCode::PersistedQueryNotFound, message)
}
