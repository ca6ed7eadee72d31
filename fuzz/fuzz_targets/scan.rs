//! Whatever document comes, the scan in front of the parser answers, and what it lets pass does not hurt the parser.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &str| api::keep_scan_promise(document));
