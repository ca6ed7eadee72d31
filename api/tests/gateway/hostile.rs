//! Documents that were written to hurt: none ends the process, costs much or gets a long answer.

use std::fmt::Write;

use api::Settings;
use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    client::{JSON, post_to, router, send},
    corpus::corpus,
};

/// Nothing that a client could use says more.
const LONGEST_ANSWER: usize = 16_384;

#[tokio::test]
async fn every_hostile_document_is_refused_in_few_words() {
    let corpus = corpus();
    assert!(corpus.len() >= 350, "{}", corpus.len());
    let router = router(Settings::default());
    let refusals =
        ["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "QUERY_TOO_COMPLEX"];
    for (name, body) in corpus {
        let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
        let reply = send(&router, request.body(Body::from(body)).unwrap()).await;
        assert!(reply.text.len() <= LONGEST_ANSWER, "{name}: {} bytes", reply.text.len());
        let answer = reply.json();
        let answers = answer.as_array().map_or_else(|| vec![&answer], |batch| batch.iter().collect());
        for answer in answers {
            let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{name}: {answer}"));
            assert!((1..=64).contains(&errors.len()), "{name}: {} errors", errors.len());
            for error in errors {
                let code = error["extensions"]["code"].as_str().unwrap_or_default();
                assert!(refusals.contains(&code), "{name}: {error}");
            }
        }
    }
}

/// The same documents by the other ways in: as a stream, and as a text that is to be kept under its hash.
#[tokio::test]
async fn every_way_in_is_guarded() {
    let router = router(Settings::default());
    for (name, body) in corpus() {
        let request = Request::post("/graphql/stream").header(header::CONTENT_TYPE, "application/json");
        let reply = send(&router, request.body(Body::from(body.clone())).unwrap()).await;
        assert!(
            reply.text.len() <= 2 * LONGEST_ANSWER && reply.text.contains("\"code\":"),
            "{name}: {}",
            reply.text
        );
        let Ok(Value::Object(mut request)) = serde_json::from_slice(&body) else { continue };
        let Some(Value::String(text)) = request.get("query") else { continue };
        let hash = Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        request
            .insert("extensions".to_owned(), json!({"persistedQuery": {"version": 1, "sha256Hash": hash}}));
        for request in [request.clone(), {
            request.remove("query");
            request
        }] {
            let reply = post_to(&router, JSON, &Value::Object(request)).await;
            assert!(reply.text.len() <= LONGEST_ANSWER && !reply.code().is_empty(), "{name}: {}", reply.text);
        }
    }
}

/// A page's whole need, with all fields that there are, is far from the limits.
#[tokio::test]
async fn what_is_not_hostile_passes() {
    let router = router(Settings::default());
    let ask = async |query: String| {
        let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
        let body = Body::from(json!({"query": query}).to_string());
        send(&router, request.body(body).unwrap()).await.text
    };
    let page = "fragment T on Timeline { granularity timeZone from to cursor points { ...P compared { ...S } } totals { ...S } \
         comparison { from to totals { ...S } participantsChange viewsChange engagementChange conversionsChange } \
         trend { direction growthRate peak { ...P } } } \
         fragment P on TimelinePoint { start end participants views engagement conversions cumulativeParticipants isPartial } \
         fragment S on TimelineTotals { participants views engagement conversions } \
         fragment C on ChannelAnalytics { id channelName channelType impressions views clicks participants conversions \
           distributionCost likes comments shares totalCalls completedCalls averageDuration clickThroughRate viewRate \
           engagementRate conversionRate participationRate callCompletionRate costPerView costPerClick costPerParticipant \
           costPerConversion cpm participantShare createdAt updatedAt } \
         fragment E on EventAnalytics { id eventId title userId status totalParticipants totalViews salesGrowthRate createdAt \
           updatedAt roi { totalInvestment expectedRevenue netProfit roi estimatedRoi targetRoi targetAchievement \
           distributionCost costPerParticipant costPerConversion revenuePerParticipant } channels { ...C } \
           funnel { steps { name count fromPrevious fromFirst } } \
           daily: timeline(granularity: DAY, range: {last: \"P30D\"}, timeZone: \"Asia/Seoul\", compareTo: PREVIOUS_PERIOD) { ...T } \
           hourly: timeline(granularity: HOUR, range: {last: \"P7D\"}) { ...T } \
           minutes: timeline(granularity: MINUTE, range: {last: \"PT3H\"}) { ...T } }";
    let answer =
        ask(format!("{{ a: event(eventId: 1) {{ ...E }} b: event(eventId: 2) {{ ...E }} }} {page}")).await;
    // The database is not there: whoever gets so far was let through.
    assert!(answer.contains("UNAVAILABLE") || answer.contains("TIMEOUT"), "{answer}");
    let introspection = include_str!("introspection.graphql");
    assert!(ask(introspection.to_owned()).await.contains("\"queryType\""));
}
