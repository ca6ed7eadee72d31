/// What `extensions.code` may hold. Clients decide by it, so the texts are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// An argument, a variable or the request itself is wrong.
    BadUserInput,
    /// No token, or one that is not valid.
    Unauthenticated,
    /// Somebody else's.
    Forbidden,
    /// A limit of one request is passed.
    QueryTooComplex,
    /// Too many at once.
    RateLimited,
    /// The hash of a persisted query is not known.
    PersistedQueryNotFound,
    /// A live cursor is too old or not of this stream: start without one.
    ResyncRequired,
    /// A dependency did not answer in time.
    Timeout,
    /// A dependency is away.
    Unavailable,
    /// A defect.
    Internal,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadUserInput,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::QueryTooComplex,
        Self::RateLimited,
        Self::PersistedQueryNotFound,
        Self::ResyncRequired,
        Self::Timeout,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The text in `extensions.code`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::RateLimited => "RATE_LIMITED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::ResyncRequired => "RESYNC_REQUIRED",
            Self::Timeout => "TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        let texts = ErrorCode::ALL.map(ErrorCode::as_str).join(" ");
        assert_eq!(
            texts,
            "GRAPHQL_PARSE_FAILED GRAPHQL_VALIDATION_FAILED BAD_USER_INPUT UNAUTHENTICATED FORBIDDEN \
             QUERY_TOO_COMPLEX RATE_LIMITED PERSISTED_QUERY_NOT_FOUND RESYNC_REQUIRED TIMEOUT UNAVAILABLE INTERNAL"
        );
    }
}
