use super::UserId;

/// Who asks. Every finder takes one, so that no read can forget whose numbers it may return.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Authentication is off: sees all, and is nobody in particular.
    Open,
    /// A user: sees their own events only.
    User(UserId),
    /// A token with the admin role: sees all.
    Admin(UserId),
}

impl Viewer {
    /// The only owner whose events may be seen; `None` where all may be.
    #[must_use]
    pub const fn scope(&self) -> Option<&UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::Open | Self::Admin(_) => None,
        }
    }

    /// Whether events of `owner` may be seen.
    #[must_use]
    pub fn may_see(&self, owner: &UserId) -> bool {
        self.scope().is_none_or(|own| own == owner)
    }

    /// The user of the token.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        match self {
            Self::Open => None,
            Self::User(user) | Self::Admin(user) => Some(user),
        }
    }
}
