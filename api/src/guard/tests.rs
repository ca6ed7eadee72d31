use std::{cell::Cell, time::Instant};

use proptest::{
    collection::vec,
    prelude::Strategy as _,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;

use super::*;

const GOOD: &[&str] = &[
    "{ a }",
    "query Q($id: ID!, $l: [[Int!]!] = [[1]]) @d { a(id: $id, o: {x: [1, \"]\"]}) { b } }",
    "{ a(b: \"\"\"[[[ \\\"\"\" [[[\"\"\") }",
    "# [[[[\n{ a }",
    "\u{feff}{ a }",
    "{ ...F } fragment F on T { a ... on U { b } ... @include(if: true) { c } }",
    "fragment F on T { a } { ...F ...F ...F }",
    "{ a(b: \"\\u0041\\\"\") }",
];

fn refused(document: &str) -> Option<String> {
    refused_with(document, &Variables::default())
}

fn refused_with(document: &str, variables: &Variables) -> Option<String> {
    scan(document, variables, &Limits::default()).err().map(|refusal| refusal.to_string())
}

#[track_caller]
fn assert_refused(document: &str, part: &str) {
    let refusal = refused(document).unwrap_or_default();
    assert!(refusal.contains(part), "{refusal:?} for {document:.60}");
}

fn written(range: std::ops::Range<usize>, write: impl Fn(usize) -> String) -> String {
    range.map(write).collect::<Vec<_>>().concat()
}

/// `count` fragments, each of which spreads the next one twice, and an operation that begins with the first.
fn bomb(keyword: &str, count: usize) -> String {
    let fragments: String =
        written(0..count, |i| format!("{keyword}f{i} on Query {{ ...f{} ...f{} }} ", i + 1, i + 1));
    format!("{{ ...f0 }} {fragments} {keyword}f{count} on Query {{ __typename }}")
}

#[test]
fn ordinary_documents_pass() {
    for document in GOOD {
        assert_eq!(refused(document), None, "{document}");
    }
}

#[test]
fn what_is_malformed_is_left_to_the_parser() {
    for document in
        ["", "{", "}", "}}}}{", "{ a(b: \"", "\"\"\"", "{ a \u{0} }", "...", "@@@", "fragment", "{ ... on }"]
    {
        assert_eq!(refused(document), None, "{document}");
    }
}

#[test]
fn depth_counts_every_kind_of_bracket() {
    for open in ["{a", "[", "(a:", "{a(b:[", "{a(b:{c:"] {
        assert_refused(&open.repeat(40), "levels of brackets");
        assert_refused(&format!("{{ a(b: {}", open.repeat(2_000)), "levels of brackets");
    }
    assert_refused(
        &format!("query($a: {}Int{}) {{ a }}", "[".repeat(40), "]".repeat(40)),
        "levels of brackets",
    );
    let allowed = format!("{}a{}", "{a".repeat(31), "}".repeat(31));
    assert_eq!(refused(&allowed), None);
}

#[test]
fn nothing_hides_brackets() {
    let deep = "[".repeat(100);
    for document in [
        format!("{{ a(b: [\"\"\" [ \" {deep}"),
        format!("{{ a(b: \"x\n, c: {deep}"),
        format!("# comment\r{deep}"),
        format!("{{ a(b: \"\\\\\", c: {deep}"),
        format!("{{ a(b: \"\"\"\\\"\"\"\"\"\", c: {deep}"),
        format!("{{ a(b: \"\"\"\"\"\"\"\", c: {deep}"),
    ] {
        assert_refused(&document, "levels of brackets");
    }
}

#[test]
fn fragments_are_counted_written_out() {
    for keyword in ["fragment ", "fragment", "fragment #x\n", "fragment,"] {
        assert_refused(&bomb(keyword, 20), "tokens once its fragments and variables are written out");
    }
    // Each fragment one level deeper than the one that spreads it.
    let chain: String = written(0..40, |i| format!("fragment f{i} on T {{ a {{ ...f{} }} }} ", i + 1));
    assert_refused(&format!("{{ ...f0 }} {chain} fragment f40 on T {{ a }}"), "brackets once its fragments");
    assert_refused("{ ...on } fragment on on T { ...on ...on }", "\"on\" spreads itself");
    assert_refused("{ ...A } fragment A on T { ...B } fragment B on T { a { ...A } }", "spreads itself");
}

#[test]
fn floods_are_refused() {
    assert_refused(&format!("{{ {} }}", "a: __typename ".repeat(100)), "aliases");
    assert_refused(&format!("{{ a {} }}", "@include(if: true) ".repeat(100)), "directives");
    assert_refused(&"query Q { a } ".repeat(50), "operations");
    assert_refused(&format!("{{ {} }}", "a ".repeat(10_000)), "tokens");
    assert_refused(&"#".repeat(200_000), "bytes");
    let arguments = written(0..200, |i| format!("a{i}: {i} "));
    assert_eq!(refused(&format!("{{ a({arguments} o: {{ {arguments} }}) }}")), None);
}

#[test]
fn the_scan_is_linear() {
    // Each of them just within the limit of bytes, with as many tokens as that allows.
    let unlimited = Limits {
        tokens: u64::MAX,
        depth: u64::MAX,
        aliases: u64::MAX,
        directives: u64::MAX,
        ..Limits::default()
    };
    let fill = |unit: &str| unit.repeat(65_000 / unit.len());
    let since = Instant::now();
    for document in [
        fill("["),
        fill("{"),
        fill("\"\"\" "),
        fill("\" "),
        fill("\\"),
        fill("\"\"\"\\\"\"\""),
        fill("#\n"),
        fill("a:"),
        fill("@a"),
        fill("...a "),
        fill("\u{feff}"),
        fill("가"),
        bomb("fragment ", 2_000),
        fill("fragment a on b{...c}"),
    ] {
        let _ = scan(&document, &Variables::default(), &unlimited);
    }
    // 14 documents; a scan that went back would take minutes.
    assert!(since.elapsed().as_secs() < 10, "{:?}", since.elapsed());
}

#[test]
fn a_parser_behind_the_scan_survives() {
    let mut documents: Vec<String> = GOOD.iter().map(|document| (*document).to_owned()).collect();
    for unit in [
        "[", "{a", "(a:", "{a(b:[", "\"\"\"", "\"", "\\\"", "#", "...", "@a", "a:", "$", "!", "{a(b:{c:",
        "fragment", "on",
    ] {
        for count in [1, 2, 3, 7, 30, 31, 32, 33, 64, 300, 4_000] {
            documents.push(unit.repeat(count));
            documents.push(format!("{{ {}", unit.repeat(count)));
            documents.push(format!("{{ a(b: {} }}", unit.repeat(count)));
            documents.push(format!("query Q($a: {}) {{ a }}", unit.repeat(count)));
        }
    }
    assert!(documents.len() > 200);
    for document in documents {
        if scan(&document, &Variables::default(), &Limits::default()).is_ok() {
            // What matters is that this returns.
            let _ = async_graphql::parser::parse_query(&document);
        }
    }
}

/// What a document is made of, the odd and the dangerous in front.
const PIECES: [&str; 44] = [
    "\"",
    "\"\"\"",
    "\\",
    "\\\"\"\"",
    "#",
    "\n",
    "\r",
    "\u{feff}",
    "가",
    "\0",
    "...",
    "..",
    ".5",
    "1",
    "-1.5e3",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "{a",
    "(a:",
    "(a:[",
    "(a:{b:",
    ":",
    "@",
    "$",
    "!",
    "=",
    "|",
    "&",
    ",",
    " ",
    " a",
    " on",
    " a:b",
    "...F ",
    "... on F{",
    "@a(b:1)",
    "query",
    "query Q($v:[I!]=[1])",
    "fragment ",
    "fragment F on T{",
];

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn what_passes_holds_no_more_for_the_parser_than_was_counted() {
    let pieces = vec(select(&PIECES[..]), 0..40);
    runner(10_000)
        .run(&pieces, |pieces| {
            let _ = promise::keep(&pieces.concat());
            Ok(())
        })
        .unwrap();
}

#[test]
fn documents_are_counted_as_the_parser_reads_them() {
    let selections = select(vec![
        "a ",
        "b:a ",
        "a{b}",
        "a(b:[1 [$v]]){c}",
        "a(b:{c:{d:1}}) ",
        "...F ",
        "...G@a ",
        "...on T{a ...F}",
        "...{b:a}",
        "a@a(b:[[1]]) ",
        "a(b:\"[{(\") ",
        "a(b:\"\"\"\\\"\"\" {\"\"\")#{\n ",
        "a @a@a ",
        "...H ",
        "a{b{c{d}}}",
        "a{b{...F}}",
    ]);
    let body = || vec(selections.clone(), 1..6).prop_map(|parts| parts.concat());
    let document = (vec(body(), 1..4), body(), body()).prop_map(|(operations, f, g)| {
        let operations = operations
            .iter()
            .enumerate()
            .map(|(index, body)| format!("query Q{index}($v:I=[[1]]){{{body}}}"));
        // G spreads F, never the other way round.
        let f = f.replace("...F", "x").replace("...G", "x");
        format!(
            "{}fragment F on T{{{f}}}fragment G on T{{{}}}",
            operations.collect::<String>(),
            g.replace("...G", "...F")
        )
    });
    let within = Cell::new(0_u32);
    runner(4_000)
        .run(&document, |document| {
            within.set(within.get() + u32::from(promise::keep(&document)));
            Ok(())
        })
        .unwrap();
    // Else nothing was compared.
    assert!((500..3_900).contains(&within.get()), "{}", within.get());
}

#[test]
fn variables_are_counted_written_out() {
    let uses = |count: usize| format!("query($i: [ID!]) {{ {} }}", "a(b: $i) ".repeat(count));
    let list = |length: usize| Variables::from_json(json!({"i": vec![1; length]}));
    assert_eq!(refused_with(&uses(10), &list(100)), None);
    for (document, variables, part) in [
        (uses(30), list(100), "variables are written out"),
        (uses(1), list(2_000), "values in its variables"),
        ("{ a }".to_owned(), list(2_000), "values in its variables"),
    ] {
        let refusal = refused_with(&document, &variables).unwrap_or_default();
        assert!(refusal.contains(part), "{refusal}");
    }
    let default = format!("query($i: [ID!] = [{}]) {{ {} }}", "1 ".repeat(1_000), "a(b: $i) ".repeat(10));
    assert_refused(&default, "variables are written out");
    let spread = format!("{{ {} }} fragment F on Q {{ a(b: $i) }}", "...F ".repeat(30));
    assert!(refused_with(&spread, &list(100)).unwrap_or_default().contains("variables are written out"));
}
