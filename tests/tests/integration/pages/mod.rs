//! The pages in a browser, against the product as `make run` starts it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::anyhow;
use tests::report::{not_for_real, real};
use tests::system::process::Process;
use tests::system::scratch::Scratch;
use tests::system::{browser, ports, program};
use tests::testbed::Embedded;
use tests::wait;

/// What the second product signs and checks its tokens with.
const SECRET: &str = "the pages' own secret, long enough for HS256";

/// The suite takes a minute and a half on two idle cores; here it shares them with every other test.
const ENDS_WITHIN: Duration = Duration::from_secs(600);

/// What the suite in `web/e2e` needs and is not here.
fn missing(web: &Path) -> Option<&'static str> {
    let wanted = [
        (program::find("npm").is_some(), "there is no Node.js"),
        (web.join("node_modules/vitest").is_dir(), "its packages are not here (`npm ci` in web/)"),
        (web.join("dist/index.html").is_file(), "the pages are not built (`npm run build` in web/)"),
        (browser::find().is_some(), "there is no Chromium (the Debian package chromium)"),
        (program::find("kcat").is_some(), "there is no kcat (the Debian package kcat)"),
    ];
    wanted.into_iter().find(|(is_here, _)| !is_here).map(|(_, reason)| reason)
}

#[tokio::test]
async fn the_pages_work_in_a_browser_and_through_a_restart() {
    let web = program::repository().join("web");
    if let Some(reason) = missing(&web) {
        return not_for_real("the pages in a browser", reason);
    }
    let chromium = browser::find().unwrap();
    let mut product = Embedded::start().await.unwrap();
    // The suite answers there for the TV channels, and refuses to, so their breaker has to be quick both ways.
    let channels = ports::free().unwrap().to_string();
    let variables = [
        ("AUTH", "jwt".to_owned()),
        ("JWT_HS256_SECRET", SECRET.to_owned()),
        ("GRAPHIQL", "on".to_owned()),
        ("INTROSPECTION", "on".to_owned()),
        ("CHANNEL_API_TV_URL", format!("http://127.0.0.1:{channels}")),
        ("CHANNEL_BREAKER_FAILURES", "2".to_owned()),
        ("CHANNEL_BREAKER_OPEN", "3s".to_owned()),
    ];
    let mut guarded = Embedded::start_with(&variables).await.unwrap();
    let mut trusting = Embedded::start_with(&[("TRUSTED_DOCUMENTS_ONLY", "on".to_owned())]).await.unwrap();

    let scratch = Scratch::new().unwrap();
    let restart = scratch.path().join("restart");
    let mut command = Command::new("npm");
    command.args(["run", "e2e"]).current_dir(&web);
    command.env("PULSEGATE_URL", product.base()).env("RESTART_REQUEST", &restart);
    command
        .env("GUARDED_URL", guarded.base())
        .env("GUARDED_SECRET", SECRET)
        .env("CHANNEL_API_PORT", channels)
        .env("TRUSTED_URL", trusting.base());
    command.env(browser::VARIABLE, &chromium).env("NO_COLOR", "1");
    let mut suite = Process::new("npm run e2e", command, &scratch.path().join("e2e.log")).unwrap();
    suite.start().unwrap();

    let ended = wait::until("the browser tests to end", ENDS_WITHIN, async || {
        if let Some(status) = suite.exited()? {
            return Ok(Ok(status));
        }
        if restart.exists() {
            product.restart().await?;
            fs::remove_file(&restart)?;
        }
        Ok(Err(anyhow!("{}", suite.log_tail())))
    });
    let status = ended.await.unwrap();
    let log = suite.log().unwrap();
    assert!(status.success(), "{log}");
    // A suite that asked for nothing has not tested it.
    assert!(!log.contains("skipped"), "{log}");
    guarded.stop().unwrap();
    trusting.stop().unwrap();
    product.stop().unwrap();
    real(&browser::version(&chromium).unwrap());
}
