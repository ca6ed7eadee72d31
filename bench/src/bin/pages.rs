//! The pages in a browser that has the machine to itself: frames, memory, how soon they can be used and show a message.

use std::env;
use std::process::Command;

use anyhow::{Context as _, ensure};
use tests::system::{browser, program};
use tests::testbed::Embedded;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let chromium = browser::find().context("there is no Chromium (the Debian package chromium)")?;
    let mut product = Embedded::start().await?;
    let mut suite = Command::new("npm");
    suite.args(["run", "speed"]).current_dir(program::repository().join("web"));
    suite.args(env::args().skip(1));
    suite.env("PULSEGATE_URL", product.base()).env(browser::VARIABLE, &chromium).env("NO_COLOR", "1");
    let ended = tokio::task::spawn_blocking(move || suite.status()).await?.context("npm does not start")?;
    product.stop()?;
    ensure!(ended.success(), "a goal is missed: {ended}");
    Ok(())
}
