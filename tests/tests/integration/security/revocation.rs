use std::time::Duration;

use anyhow::{anyhow, ensure};
use reqwest::{Client, StatusCode};
use sea_orm::sqlx;
use serde_json::{Value, json};
use service::clock::{Clock as _, SystemClock};
use tests::clients::socket::Socket;
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;
use tokio::time::timeout;

use super::{SECRET, signed};

/// What is promised, and room for a busy machine.
const SOON: Duration = Duration::from_secs(20);
const FOLLOW: &str = "subscription { userUpdated(userId: \"user-01\") { cursor } }";

fn issued(user: &str, seconds_from_now: Option<i64>) -> String {
    let issued_at = seconds_from_now.map(|seconds| SystemClock.now().timestamp() + seconds);
    let mut claims = json!({ "sub": user, "exp": 4_102_444_800_u64 });
    if let Some(issued_at) = issued_at {
        claims["iat"] = issued_at.into();
    }
    signed(&claims)
}

async fn ask(gateway: &Pulsegate, token: &str) -> anyhow::Result<(StatusCode, Value)> {
    let request = Client::new().post(format!("{}/graphql", gateway.base())).bearer_auth(token);
    let response = request.json(&json!({ "query": "{ __typename }" })).send().await?;
    Ok((response.status(), response.json().await?))
}

async fn until(gateway: &Pulsegate, token: &str, expected: StatusCode) {
    wait::until("the token to stand otherwise", SOON, async || {
        let (status, answer) = ask(gateway, token).await?;
        Ok(if status == expected { Ok(()) } else { Err(anyhow!("{status} {answer}")) })
    })
    .await
    .unwrap();
}

/// What closes it.
async fn closed(socket: &mut Socket) -> String {
    loop {
        if let Err(fault) = timeout(SOON, socket.next()).await.expect("it is closed in time") {
            return format!("{fault:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_tokens_are_revoked_everywhere_within_seconds() {
    let testbed = Testbed::new().await.unwrap();
    let variables = [("AUTH", "jwt"), ("JWT_HS256_SECRET", SECRET)];
    let first = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let second = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let (old, ageless, other) =
        (issued("user-01", Some(-60)), issued("user-01", None), issued("user-02", None));
    for (gateway, token) in [(&first, &old), (&first, &ageless), (&second, &old), (&second, &other)] {
        assert_eq!(ask(gateway, token).await.unwrap().0, StatusCode::OK);
    }
    let open = async |gateway: &Pulsegate, token: &str| {
        let mut socket = Socket::connect_as(gateway.base(), token).await.unwrap();
        socket.subscribe("1", FOLLOW, json!({})).await.unwrap();
        socket
    };
    let (mut one, mut ageless_one) = (open(&first, &old).await, open(&second, &ageless).await);
    let mut others = Socket::connect_as(second.base(), &other).await.unwrap();
    let stream = Client::new().post(format!("{}/graphql/stream", second.base())).bearer_auth(&old);
    let stream = stream.json(&json!({ "query": FOLLOW })).send().await.unwrap().error_for_status().unwrap();

    let output = testbed.run(&["revoke", "user-01"], &[]).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.contains("gateways know at once"), "{output:?}");
    for socket in [&mut one, &mut ageless_one] {
        let fault = closed(socket).await;
        assert!(fault.contains("4403") && fault.contains("revoked"), "{fault}");
    }
    let events = timeout(SOON, stream.text()).await.expect("it ends in time").unwrap();
    assert!(events.contains("event: next") && !events.contains("event: complete"), "{events}");
    for gateway in [&first, &second] {
        for token in [&old, &ageless] {
            until(gateway, token, StatusCode::UNAUTHORIZED).await;
            let (_, answer) = ask(gateway, token).await.unwrap();
            assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
            assert!(
                Socket::connect_as(gateway.base(), token).await.unwrap_err().to_string().contains("4403")
            );
        }
    }
    // Nobody else is concerned, nor who gets a new token.
    assert_eq!(ask(&second, &other).await.unwrap().0, StatusCode::OK);
    others.subscribe("1", "{ __typename }", json!({})).await.unwrap();
    others.next().await.unwrap();
    assert_eq!(ask(&first, &issued("user-01", Some(5))).await.unwrap().0, StatusCode::OK);

    // Before the instant that stands there is nothing to revoke, and it can be taken back.
    testbed.run(&["revoke", "user-01", "--before", "2026-01-05T00:00:00Z"], &[]).await.unwrap();
    assert_eq!(ask(&first, &old).await.unwrap().0, StatusCode::UNAUTHORIZED);
    testbed.run(&["revoke", "user-01", "--lift"], &[]).await.unwrap();
    until(&first, &ageless, StatusCode::OK).await;

    // Where the bus says nothing, it is seen nevertheless.
    sqlx::query("INSERT INTO revocation VALUES ('user-02', now() AT TIME ZONE 'UTC')")
        .execute(testbed.database())
        .await
        .unwrap();
    until(&first, &other, StatusCode::UNAUTHORIZED).await;
    assert!(closed(&mut others).await.contains("4403"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_to_be_revoked_is_said_rightly() {
    let testbed = Testbed::new().await.unwrap();
    let refused = async |arguments: &[&str], code: i32| {
        let output =
            testbed.run(arguments, &[("DATABASE_URL", "postgres://127.0.0.1:1/away")]).await.unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), told.lines().count()), (Some(code), 1), "{arguments:?}: {told}");
        told
    };
    let wrong = async || {
        for arguments in [
            &["revoke"][..],
            &["revoke", "u", "--before", "soon"],
            &["revoke", "u", "--lift", "--before", "2026-01-05T00:00:00Z"],
        ] {
            refused(arguments, 2).await;
        }
        ensure!(refused(&["revoke", "u"], 1).await.contains("database"), "it says what is away");
        anyhow::Ok(())
    };
    wrong().await.unwrap();
}
