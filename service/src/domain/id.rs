use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Counts the commits that touched an event. Revision order is commit order, because it is taken under the row's
/// lock.
pub type Revision = i64;

/// Why a text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// More characters than its column holds.
    #[error("is {length} characters long; at most {limit} are allowed")]
    TooLong {
        /// Characters found.
        length: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// PostgreSQL stores no NUL character in a text.
    #[error("holds a NUL character")]
    Nul,
}

fn check(text: &str, limit: usize) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.contains('\0') {
        return Err(InvalidId::Nul);
    }
    let length = text.chars().count();
    if length > limit {
        return Err(InvalidId::TooLong { length, limit });
    }
    Ok(())
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $limit:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most characters that its column holds.
            pub const MAX_CHARS: usize = $limit;

            /// Checks `text`.
            ///
            /// # Errors
            /// [`InvalidId`] where it is empty, too long, or holds a NUL character.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check(text, $limit)?;
                Ok(Self(text.into()))
            }

            /// Takes what the database holds, which was checked when it was written.
            #[must_use]
            pub fn trusted(text: &str) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

text_id!(
    /// An event, as the service that owns events names it: 1 to 36 characters.
    EventId,
    36
);
text_id!(
    /// A user, as the service that owns users names it: 1 to 36 characters.
    UserId,
    36
);
text_id!(
    /// A distribution channel's name, free text: 1 to 50 characters.
    ChannelName,
    50
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_characters_not_bytes() {
        assert!(ChannelName::parse(&"가".repeat(50)).is_ok());
        assert_eq!(ChannelName::parse(&"가".repeat(51)), Err(InvalidId::TooLong { length: 51, limit: 50 }));
        assert_eq!(EventId::parse(""), Err(InvalidId::Empty));
        assert_eq!(EventId::parse("a\0b"), Err(InvalidId::Nul));
    }
}
