use async_graphql::{Pos, Response, ServerError, Value};

use super::{prepare::Chosen, shape::Types};
use crate::{
    budget::Bill,
    error::{ErrorCode, Fault, Reporter},
    graphql::scalar::allowed,
    json,
    settings::Limits,
};

/// More errors than anybody reads.
const MOST_ERRORS: usize = 100;
/// Whoever has mended these asks again.
const MOST_MISTAKES: usize = 10;

/// What a client gets: data, errors, or both.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `None` where nothing was executed: then the key is left out.
    data: Option<Value>,
    errors: Vec<ServerError>,
    /// The first error's, for the status of an HTTP answer.
    code: Option<ErrorCode>,
    bill: Option<Box<Bill>>,
}

impl Answer {
    /// To a request that was not executed.
    pub(crate) fn refused(fault: Fault) -> Self {
        let code = Some(fault.code);
        Self { data: None, code, errors: vec![fault.into_server_error(None)], bill: None }
    }

    /// To an operation that costs more than the viewer has left.
    pub(super) fn unaffordable(bill: Bill) -> Self {
        Self::refused(bill.fault()).charged(Some(bill))
    }

    pub(super) fn charged(self, bill: Option<Bill>) -> Self {
        Self { bill: bill.map(Box::new), ..self }
    }

    /// What the operation was charged, where it got so far.
    pub(crate) fn bill(&self) -> Option<&Bill> {
        self.bill.as_deref()
    }

    /// The same, with the places in the document.
    pub(crate) fn refused_at(fault: Fault, locations: &[Pos]) -> Self {
        let mut answer = Self::refused(fault);
        for error in &mut answer.errors {
            error.locations = locations.to_vec();
        }
        answer
    }

    /// To an operation that broke while it was executed.
    pub(crate) fn failed(fault: Fault) -> Self {
        Self { data: Some(Value::Null), ..Self::refused(fault) }
    }

    /// Whether it is the answer to a request that was not executed.
    pub(crate) const fn is_refusal(&self) -> bool {
        self.data.is_none()
    }

    pub(crate) const fn code(&self) -> Option<ErrorCode> {
        self.code
    }

    pub(crate) fn errors(&self) -> &[ServerError] {
        &self.errors
    }

    /// JSON without line breaks.
    pub(crate) fn json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(json::room(&self.data));
        let open = |out: &mut Vec<u8>, key: &[u8]| {
            out.push(if out.is_empty() { b'{' } else { b',' });
            out.extend_from_slice(key);
        };
        if !self.errors.is_empty() {
            open(&mut out, br#""errors":"#);
            json::write_plain(&self.errors, &mut out);
        }
        if let Some(data) = &self.data {
            open(&mut out, br#""data":"#);
            json::write(data, &mut out);
        }
        out.push(b'}');
        out
    }
}

/// Makes the GraphQL library's responses fit for clients.
pub(super) struct Finisher {
    pub(super) limits: Limits,
    pub(super) reporter: Reporter,
    pub(super) types: Types,
}

impl Finisher {
    pub(super) fn answer(&self, response: Response, to: &Chosen) -> Answer {
        let Response { mut data, mut errors, .. } = response;
        // An error without a path comes from a stage before execution: then there are no data, not even null.
        let executed = data != Value::Null || errors.iter().any(|error| !error.path.is_empty());
        if executed {
            self.types.shape(&mut data, &errors, to);
        }
        if !executed {
            without_repetition(&mut errors);
        }
        errors.truncate(if executed { MOST_ERRORS } else { MOST_MISTAKES });
        let mut code = None;
        for error in &mut errors {
            let found = self.finish(error);
            code.get_or_insert(found);
        }
        Answer { data: executed.then_some(data), errors, code, bill: None }
    }

    /// Gives an error its code. What comes without one comes from the GraphQL library: either it found the document or
    /// an argument wrong, or it is something that no client should read.
    fn finish(&self, error: &mut ServerError) -> ErrorCode {
        let known = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        if let Some(Value::String(known)) = known
            && let Some(code) = ErrorCode::ALL.into_iter().find(|code| code.as_str() == known)
        {
            return code;
        }
        let is_input = [INVALID, "Failed to parse ", "Expected input type "];
        let fault = if is_input.iter().any(|start| error.message.starts_with(start)) {
            Fault::new(ErrorCode::BadUserInput, with_what_is_allowed(&error.message, &self.types))
        } else if error.path.is_empty() {
            Fault::new(ErrorCode::GraphqlValidationFailed, error.message.clone())
        } else {
            self.reporter.defect(&error.message)
        };
        let code = fault.code;
        let finished = fault.into_server_error(None);
        error.message = finished.message;
        error.extensions = finished.extensions;
        code
    }
}

/// How the library begins to say that a value is wrong, before it parses it.
const INVALID: &str = "Invalid value for argument ";

/// What was found invalid is parsed all the same, to reckon the cost, and then can't be: the same mistake once more, in
/// the words of a program.
fn without_repetition(errors: &mut Vec<ServerError>) {
    if errors.iter().any(|error| error.message.starts_with(INVALID)) {
        errors.retain(|error| !error.message.contains("(occurred while parsing "));
    }
}

/// `… expected type "Duration"` says that something is wrong; this adds what would be right.
fn with_what_is_allowed(message: &str, types: &Types) -> String {
    let kind = |(_, rest): (&str, &'_ str)| {
        rest.split_once('"').map(|(kind, _)| kind.trim_end_matches('!').to_owned())
    };
    // The first one is the library's; whatever is quoted behind it came from the client.
    let enumeration = message.split_once("enumeration type \"").and_then(kind);
    let values = enumeration.and_then(|kind| types.values(&kind)).map(|values| format!("one of {values}"));
    let expected = message.rsplit_once("type \"").and_then(kind);
    let expected = || expected.and_then(|kind| allowed(&kind).map(str::to_owned));
    match values.or_else(expected) {
        Some(allowed) => format!("{}: give {allowed}.", message.trim_end_matches('.')),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use async_graphql::{
        PathSegment,
        parser::types::{OperationType, SelectionSet},
    };
    use service::clock::{SharedClock, SystemClock};

    use super::*;

    fn finished(errors: Vec<ServerError>) -> Answer {
        let clock: SharedClock = Arc::new(SystemClock);
        let finisher =
            Finisher { limits: Limits::default(), reporter: Reporter::new(&clock), types: Types::new() };
        let to = Chosen {
            kind: OperationType::Query,
            selection: SelectionSet::default(),
            fragments: HashMap::new(),
        };
        finisher.answer(Response::from_errors(errors), &to)
    }

    fn answer(message: &str, path: &[&str]) -> serde_json::Value {
        let mut error = ServerError::new(message, None);
        error.path = path.iter().map(|field| PathSegment::Field((*field).to_owned())).collect();
        serde_json::from_slice(&finished(vec![error]).json()).unwrap()
    }

    #[test]
    fn a_refusal_has_no_data_and_a_failure_has_null() {
        let refused = answer(r#"Unknown field "x""#, &[]);
        assert_eq!(refused.get("data"), None);
        assert_eq!(refused["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        let failed = answer("the password is 1234", &["event"]);
        assert_eq!(failed["data"], serde_json::json!({"event": null}));
        assert_eq!(failed["errors"][0]["extensions"]["code"], "INTERNAL");
        assert!(!failed.to_string().contains("1234"));
        assert!(failed["errors"][0]["extensions"]["errorId"].is_string());
    }

    #[test]
    fn wrong_values_are_told_what_is_right() {
        let refused = answer(r#"Invalid value for argument "range.last", expected type "Duration""#, &[]);
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(
            refused["errors"][0]["message"],
            "Invalid value for argument \"range.last\", expected type \"Duration\": give an ISO 8601 duration above zero \
             and up to 100 years, in whole milliseconds, e.g. \"PT15M\", \"P7D\" or \"P1M\"."
        );
    }

    #[test]
    fn wrong_values_of_enumerations_are_told_the_right_ones() {
        let wrong = r#"Invalid value for argument "granularity", enumeration type "Granularity" does not contain the value "YEAR""#;
        let refused = answer(wrong, &[]);
        assert_eq!(
            refused["errors"][0]["message"],
            format!("{wrong}: give one of MINUTE, HOUR, DAY, WEEK, MONTH.")
        );
    }

    #[test]
    fn there_are_only_so_many_errors() {
        let mut error = ServerError::new("x", None);
        assert_eq!(finished(vec![error.clone(); 5_000]).errors().len(), MOST_MISTAKES);
        error.path = vec![PathSegment::Field("event".to_owned())];
        assert_eq!(finished(vec![error; 5_000]).errors().len(), MOST_ERRORS);
    }
}
