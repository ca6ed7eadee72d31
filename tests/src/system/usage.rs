//! What a process uses, as Linux tells it.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// Linux counts processor time in hundredths of a second, whatever the kernel's own clock is.
const TICK: Duration = Duration::from_millis(10);

/// Memory that is in use, in KiB.
///
/// # Errors
/// There is no such process, or this is no Linux.
pub fn memory(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Processor time so far, in user mode and in the kernel.
///
/// # Errors
/// There is no such process, or this is no Linux.
pub fn processor_time(process: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u32>);
    let mut next = || anyhow::Ok(times.next().context("too few fields")??);
    Ok(TICK * (next()? + next()?))
}
