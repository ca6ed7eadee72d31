use std::fs;
use std::path::Path;

use sea_orm::sqlx;
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::clients::socket::{Frame, Socket};
use tests::system::program;
use tests::testbed::{Role, Testbed};

use super::fill;

/// A document that somebody is told to try.
#[derive(Debug)]
struct Example {
    /// Where it stands.
    place: String,
    text: String,
    variables: Value,
}

/// What the examples are about.
fn subject() -> Value {
    json!({ "eventId": "evt-0001", "userId": "user-01", "timeZone": "Asia/Seoul", "until": "2099-12-31T15:00:00Z" })
}

/// The documents in fenced blocks, each with the variables of the block right below it.
fn fenced(place: &str, text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = text.lines().map(str::trim);
    let mut follows_example = false;
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            follows_example &= line.is_empty();
            continue;
        };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        match language {
            "graphql" => examples.push(Example {
                place: format!("{place}, document {}", examples.len() + 1),
                // "…" stands for an id from an answer.
                text: block.replace('…', "evt-0001"),
                variables: subject(),
            }),
            "json" if follows_example => {
                examples.last_mut().unwrap().variables = serde_json::from_str(&block).unwrap();
            }
            _ => {}
        }
        follows_example = language == "graphql";
    }
    examples
}

/// The bodies that curl is told to send.
fn bodies(place: &str, text: &str) -> Vec<Example> {
    let sent = text.split("-d '").skip(1).filter_map(|rest| rest.split_once('\''));
    sent.map(|(body, _)| {
        let body: Value = serde_json::from_str(body).unwrap();
        Example {
            place: format!("{place}, curl"),
            text: body["query"].as_str().unwrap().to_owned(),
            variables: body["variables"].clone(),
        }
    })
    .collect()
}

fn files(folder: &Path, extension: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files.iter().map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect()
}

fn all() -> Vec<Example> {
    let repository = program::repository();
    let mut pages = files(&repository.join("docs"), "md");
    for name in ["README.md", "schema.graphql"] {
        pages.push((name.to_owned(), fs::read_to_string(repository.join(name)).unwrap()));
    }
    let mut examples: Vec<_> = pages.iter().flat_map(|(place, text)| fenced(place, text)).collect();
    examples.extend(pages.iter().flat_map(|(place, text)| bodies(place, text)));
    let tabs = files(&repository.join("web/src/graphiql/examples"), "graphql");
    examples.extend(tabs.into_iter().map(|(place, text)| Example { place, text, variables: subject() }));
    examples
}

/// Everything that it asks for is there.
async fn runs(example: &Example, client: &GraphQl, base: &str) {
    let is_subscription = example.text.lines().any(|line| line.starts_with("subscription"));
    let data = if is_subscription {
        let mut socket = Socket::connect(base).await.unwrap();
        socket.subscribe("1", &example.text, example.variables.clone()).await.unwrap();
        match socket.next().await.unwrap() {
            Frame::Next { mut payload, .. } if payload.get("errors").is_none() => payload["data"].take(),
            other => panic!("{example:?}: {other:?}"),
        }
    } else {
        client
            .data(&example.text, example.variables.clone())
            .await
            .unwrap_or_else(|error| panic!("{example:?}: {error}"))
    };
    let roots = data.as_object().unwrap();
    assert!(!roots.is_empty() && roots.values().all(|root| !root.is_null()), "{example:?}: {data}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_that_we_show_runs() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 3).await.remove(0);
    for table in ["event_stats", "channel_stats", "timeline_data"] {
        let rename = format!("UPDATE {table} SET event_id = 'evt-0001' WHERE event_id = $1");
        sqlx::query(sqlx::AssertSqlSafe(rename)).bind(&event).execute(testbed.database()).await.unwrap();
    }
    sqlx::query("UPDATE event_stats SET user_id = 'user-01'").execute(testbed.database()).await.unwrap();
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();

    let examples = all();
    for place in ["README.md", "graphql.md", "schema.graphql", "examples/", "curl"] {
        assert!(examples.iter().any(|example| example.place.contains(place)), "no example in {place}");
    }
    for example in &examples {
        runs(example, &client, gateway.base()).await;
    }
}
