use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tests::report::{not_for_real, real};
use tests::system::program;
use tests::testbed::{Role, Testbed};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::fill;
use crate::live::register;

/// All suites take seconds; here they share two cores with every other test.
const ENDS_WITHIN: Duration = Duration::from_secs(300);

/// Between two people who register for the event that is followed.
const PAUSE: Duration = Duration::from_millis(400);

/// What the suites need and is not here.
fn missing(package: &Path) -> Option<&'static str> {
    let wanted = [
        (program::find("npm").is_some(), "there is no Node.js"),
        (package.join("node_modules/graphql").is_dir(), "its packages are not here (`npm ci` in tests/npm)"),
    ];
    wanted.into_iter().find(|(is_here, _)| !is_here).map(|(_, reason)| reason)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audits_and_other_peoples_clients_are_content() {
    let package = program::repository().join("tests/npm");
    if let Some(reason) = missing(&package) {
        return not_for_real("clients and audits from npm", reason);
    }
    let testbed = Testbed::new().await.unwrap();
    let events = fill(&testbed, 3).await;
    let [event, _, live] = events.as_slice() else { panic!("three were asked for") };
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let _consumer = testbed.start(Role::Consume).await.unwrap();

    let mut command = Command::new("npm");
    command.args(["test"]).current_dir(&package).stdin(Stdio::null()).kill_on_drop(true);
    command.env("PULSEGATE_URL", gateway.base()).env("EVENT_ID", event).env("NO_COLOR", "1");
    command.env("LIVE_EVENT_ID", live);
    let registering = async {
        for number in 0.. {
            register(&testbed, live, number).await;
            sleep(PAUSE).await;
        }
    };
    let output = tokio::select! {
        output = timeout(ENDS_WITHIN, command.output()) => output.expect("the suites end in time").unwrap(),
        () = registering => unreachable!("numbers do not end"),
    };
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{log}{}", String::from_utf8_lossy(&output.stderr));
    let has = |line: &str| log.lines().any(|written| written.trim_start_matches("ℹ ") == line);
    // A suite that ran nothing has not tested it.
    assert!(has("skipped 0") && has("todo 0") && !has("tests 0"), "{log}");
    real("clients and audits from npm");
}
