//! Sees to it that the binary is built again when the web part was.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let web = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../web/dist");
    // A path that is not there would count as changed on every build.
    fs::create_dir_all(&web)?;
    println!("cargo::rerun-if-changed=../web/dist");
    Ok(())
}
