//! The linear scan in front of every parse.
//!
//! The parser recurses before any limit of the GraphQL library applies: a few kilobytes of nested brackets would end
//! the process, and fragments that each spread the next one twice would keep it busy for seconds. So every document,
//! whatever the transport, is scanned here first, in one pass and in memory that the limits bound.

mod fragments;
mod lexer;
#[cfg(any(test, fuzzing))]
pub(crate) mod promise;
mod variables;

use std::borrow::Cow;

use async_graphql::Variables;

use fragments::{Definition, expand};
use lexer::{Bracket, Lexer, Token, without_comments};
use variables::Weights;

use crate::settings::Limits;

/// More operations than any client puts into one document.
const OPERATIONS: u64 = 20;

/// Bytes of comments that cost nothing to speak of.
const COMMENTS: usize = 1_024;

/// Why a document is not even parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It passes a limit.
    #[error("The document has more than {allowed} {what}, which is the limit. Ask for less at once.")]
    TooMuch { what: &'static str, allowed: u64 },
    /// A fragment spreads itself.
    #[error("The fragment \"{0}\" spreads itself, directly or through other fragments.")]
    Cycle(String),
}

fn within(what: &'static str, found: u64, allowed: u64) -> Result<(), Refusal> {
    if found > allowed { Err(Refusal::TooMuch { what, allowed }) } else { Ok(()) }
}

/// What a document that passed holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Tokens, nothing written out.
    pub(crate) tokens: u64,
    /// Bytes of its comments.
    comments: usize,
}

impl Scanned {
    /// `document`, which is what was scanned, as the parser is to have it. It reads comments slower than anything else, so
    /// that it does not get many of them.
    pub(crate) fn parsable<'a>(&self, document: &'a str) -> Cow<'a, str> {
        if self.comments > COMMENTS { without_comments(document).into() } else { document.into() }
    }
}

/// Reads `document` once. A malformed document passes as long as it stays within the limits: the parser says best
/// what is wrong with it.
///
/// # Errors
/// [`Refusal`] at the first limit that is passed, or where a fragment spreads itself.
pub(crate) fn scan(document: &str, variables: &Variables, limits: &Limits) -> Result<Scanned, Refusal> {
    within("bytes", document.len() as u64, limits.bytes)?;
    let mut weights = Weights::default();
    within("values in its variables", weights.take_values(variables, limits.tokens), limits.tokens)?;
    let mut scan = Scan { weights, ..Scan::default() };
    let mut comments = 0;
    let mut lexer = Lexer::new(document)
        .filter(|token| match token {
            Token::Comment(bytes) => {
                comments += bytes;
                false
            }
            _ => true,
        })
        .peekable();
    while let Some(token) = lexer.next() {
        scan.take(token, lexer.peek().copied());
        within("tokens", scan.tokens, limits.tokens)?;
        within("levels of brackets", scan.depth, limits.depth)?;
        within("aliases", scan.aliases, limits.aliases)?;
        within("directives", scan.directives, limits.directives)?;
        within("operations", scan.operations(), OPERATIONS)?;
    }
    let expanded = expand(&scan.definitions, |name| scan.weights.of(name))
        .map_err(|name| Refusal::Cycle(name.to_owned()))?;
    within("tokens once its fragments and variables are written out", expanded.tokens, limits.tokens)?;
    within("levels of brackets once its fragments are written out", expanded.depth, limits.depth)?;
    Ok(Scanned { tokens: scan.tokens, comments })
}

#[derive(Default)]
struct Scan<'a> {
    tokens: u64,
    depth: u64,
    aliases: u64,
    directives: u64,
    /// Open parentheses and square brackets: between them a name with a colon is an argument, not an alias.
    in_values: u64,
    definitions: Vec<Definition<'a>>,
    /// The name after `fragment`, until its selection set begins.
    fragment: Option<&'a str>,
    fragment_count: u64,
    awaits_fragment_name: bool,
    previous: Option<Token<'a>>,
    /// Whether the last definition's selection set is open.
    inside: bool,
    weights: Weights<'a>,
}

impl<'a> Scan<'a> {
    fn operations(&self) -> u64 {
        (self.definitions.len() as u64).saturating_sub(self.fragment_count)
    }

    fn take(&mut self, token: Token<'a>, next: Option<Token<'a>>) {
        self.tokens += 1;
        let previous = self.previous.replace(token);
        let inside = self.inside;
        match token {
            Token::Open(bracket) => self.open(bracket),
            Token::Close(bracket) => self.close(bracket),
            Token::At => self.directives += 1,
            Token::Name(name) if previous == Some(Token::Dollar) => self.variable(name),
            Token::Name(name) if self.depth == 0 => self.top_level_name(name),
            Token::Name(name) if previous == Some(Token::Spread) => self.spread(name),
            Token::Name(_) if next == Some(Token::Colon) && self.in_values == 0 => self.aliases += 1,
            Token::Name(_)
            | Token::Spread
            | Token::Colon
            | Token::Dollar
            | Token::Comment(_)
            | Token::Other => {}
        }
        if !self.inside {
            self.weights.take_token_of_default();
        }
        // What stands in front of a selection set counts for the document, not once per spread.
        if (inside || self.inside)
            && let Some(definition) = self.definitions.last_mut()
        {
            definition.tokens += 1;
            definition.depth = definition.depth.max(self.depth);
        }
    }

    fn open(&mut self, bracket: Bracket) {
        if self.depth == 0 && bracket == Bracket::Brace {
            let fragment = self.fragment.take();
            self.fragment_count += u64::from(fragment.is_some());
            self.definitions.push(Definition { fragment, ..Definition::default() });
            self.inside = true;
            self.weights.end_definitions();
        }
        self.depth += 1;
        if bracket != Bracket::Brace {
            self.in_values += 1;
        }
    }

    fn close(&mut self, bracket: Bracket) {
        self.depth = self.depth.saturating_sub(1);
        self.inside &= self.depth > 0;
        if bracket != Bracket::Brace {
            self.in_values = self.in_values.saturating_sub(1);
        }
    }

    /// The parser needs no white space after a keyword: `fragmentA on T` defines `A`.
    fn top_level_name(&mut self, name: &'a str) {
        if self.awaits_fragment_name {
            self.fragment = Some(name);
            self.awaits_fragment_name = false;
        } else if self.fragment.is_none()
            && let Some(rest) = name.strip_prefix("fragment")
        {
            if rest.is_empty() {
                self.awaits_fragment_name = true;
            } else {
                self.fragment = Some(rest);
            }
        }
    }

    /// In front of a selection set a variable is defined, with a default maybe; within one it is used.
    fn variable(&mut self, name: &'a str) {
        match self.definitions.last_mut() {
            Some(definition) if self.inside => definition.variables.push(name),
            _ => self.weights.define(name),
        }
    }

    /// `... on T` is an inline fragment, unless the parser takes it for the spread of a fragment called `on`: counted
    /// as such too, which costs nothing where there is none.
    fn spread(&mut self, name: &'a str) {
        let depth = self.depth;
        if let Some(definition) = self.definitions.last_mut() {
            definition.spreads.push((name, depth));
        }
    }
}

#[cfg(test)]
mod tests;
