use axum::{
    extract::{Path, Query, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use service::read::With;

use super::cost::tell;
use crate::{
    auth::Identity,
    error::{ErrorCode, Fault},
    export::{Table, disposition},
    gateway::{Gateway, Shared},
    graphql::{event_id, range_fault, timeline_arguments},
};

/// The timeline of an event as a table, with the arguments of the field `timeline` as query parameters.
pub(super) async fn timeline(
    State(gateway): State<Gateway>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let identity = match gateway.0.authenticator.identify(authorization) {
        Ok(identity) => identity,
        Err(fault) => return refusal(&fault),
    };
    match id {
        Ok(Path(id)) => read(&gateway.0, &identity, &id, &uri).await.unwrap_or_else(|fault| refusal(&fault)),
        Err(_) => refusal(&Fault::new(ErrorCode::BadUserInput, "The event's id in the path is not UTF-8.")),
    }
}

async fn read(shared: &Shared, identity: &Identity, id: &str, uri: &Uri) -> Result<Response, Fault> {
    let id = event_id("eventId", id)?;
    let texts = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Fault::new(ErrorCode::BadUserInput, "The query string is not form-encoded UTF-8."))?;
    let (spec, cost) = timeline_arguments(texts.0)?;
    let bill = match shared.executor.charge(identity, cost) {
        Ok(bill) => bill,
        Err(bill) => {
            let mut refused = refusal(&bill.fault());
            tell([&bill], refused.headers_mut());
            return Ok(refused);
        }
    };
    let (service, reporter) = (shared.executor.service(), shared.executor.reporter());
    let events = service.events(&identity.viewer, std::slice::from_ref(&id), With::Nothing).await;
    let Some(entry) = events.map_err(|error| reporter.service(&error))?.remove(&id) else {
        let text = "There is no such event, or it is somebody else's.\n";
        return Ok((StatusCode::NOT_FOUND, text).into_response());
    };
    let timelines = service.timelines(std::slice::from_ref(&entry), &spec).await;
    let timeline = timelines.map_err(|error| reporter.service(&error))?.remove(&id);
    let timeline = timeline.ok_or_else(|| reporter.defect("the service left out a timeline"))?;
    let timeline = timeline.map_err(range_fault)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, disposition(&entry.event.title, entry.event.event_id.as_str())),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (headers, Table::new(&entry.event, timeline).into_body()).into_response();
    tell([&bill], response.headers_mut());
    Ok(response)
}

/// For a person who followed a link: the reason in plain words.
fn refusal(fault: &Fault) -> Response {
    let status = match fault.code {
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let id = fault.id.as_ref().map(|id| format!("In the log: {id}\n")).unwrap_or_default();
    let mut response = (status, format!("{}\n{id}", fault.message)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
