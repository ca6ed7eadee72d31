//! Documents that were written to hurt, each as the body of one POST.

use std::collections::BTreeMap;

use serde_json::json;

/// What is repeated, and how often: a little more than allowed, and as often as the body's limit lets it.
const UNITS: [&str; 30] = [
    "[",
    "{",
    "{a",
    "(",
    "(a:",
    "{a(b:[",
    "{a(b:{c:",
    "...{",
    "...on Query{",
    "...F ",
    "fragment F on Query{...F}",
    "query Q{a}",
    "\"",
    "\"\"\"",
    "\\\"",
    "\\",
    "#",
    "#\n",
    "...",
    "@a",
    "@include(if:true)",
    "a:b ",
    "a ",
    "$a",
    "!",
    ",",
    "\u{feff}",
    "\u{0}",
    "가",
    "1",
];

/// A document as long as a request lets it be.
const FULL: usize = 65_400;

/// Where it is repeated: what stands before it and after it.
const PLACES: [(&str, &str); 5] = [
    ("", ""),
    ("{ ", " }"),
    ("{ event(eventId: ", ") { id } }"),
    ("query Q($a: ", ") { __typename }"),
    ("{ event(eventId: \"e\") ", " }"),
];

fn written(range: std::ops::Range<usize>, write: impl Fn(usize) -> String) -> String {
    range.map(write).collect::<Vec<_>>().concat()
}

/// By name.
pub(crate) fn corpus() -> BTreeMap<String, Vec<u8>> {
    let mut bodies = BTreeMap::new();
    let mut add = |name: String, body: Vec<u8>| assert_eq!(bodies.insert(name, body), None);
    for unit in UNITS {
        for (index, (before, after)) in PLACES.iter().enumerate() {
            let written = json!(unit).to_string().len() - 2;
            for count in [70, FULL / written] {
                let document = format!("{before}{}{after}", unit.repeat(count));
                add(
                    format!("{count} times {unit:?} at place {index}"),
                    json!({"query": document}).to_string().into(),
                );
            }
        }
    }
    for (name, document) in documents() {
        add(name.to_owned(), json!({"query": document}).to_string().into());
    }
    for (name, query, variables) in variables() {
        add(name.to_owned(), format!(r#"{{"query":{},"variables":{variables}}}"#, json!(query)).into());
    }
    for (name, body) in [
        ("a lone surrogate", r#"{"query":"{ event(eventId: \"\ud800\") { id } }"}"#.as_bytes().to_vec()),
        ("surrogates the wrong way round", br#"{"query":"\udc00\ud800"}"#.to_vec()),
        ("half a surrogate in a key", br#"{"query":"{ a }","variables":{"\ud800":1}}"#.to_vec()),
        ("bytes that are no UTF-8", b"{\"query\":\"{ \xff\xfe }\"}".to_vec()),
        ("an overlong slash", b"{\"query\":\"{ \xc0\xaf }\"}".to_vec()),
        ("a byte order mark before the body", b"\xef\xbb\xbf{\"query\":\"{ a }\"}".to_vec()),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec()),
        ("nothing", Vec::new()),
        ("deep JSON", "[".repeat(60_000).into()),
        ("deep JSON objects", "{\"a\":".repeat(10_000).into()),
        ("a batch of batches", format!("[{}]", ["[]"; 10].join(",")).into()),
        (
            "a batch of bombs",
            format!("[{}]", vec![json!({"query": bomb(20)}).to_string(); 10].join(",")).into(),
        ),
        ("a long batch", format!("[{}]", ["{}"; 11].join(",")).into()),
        (
            "many keys",
            format!("{{{}\"query\":\"{{ a }}\"}}", written(0..5_000, |i| format!("\"k{i}\":1,"))).into(),
        ),
        ("too many bytes", vec![b' '; 70_000]),
    ] {
        add(name.to_owned(), body);
    }
    bodies
}

/// Fragments that each spread the next one twice.
fn bomb(levels: usize) -> String {
    let fragments =
        written(0..levels, |i| format!("fragment f{i} on Query {{ ...f{} ...f{} }} ", i + 1, i + 1));
    format!("{{ ...f0 }} {fragments} fragment f{levels} on Query {{ __typename }}")
}

fn documents() -> Vec<(&'static str, String)> {
    vec![
        ("unknown fields", format!("{{ {} }}", written(0..1_900, |i| format!("f{i} ")))),
        (
            "unknown fields that look like known ones",
            format!("{{ event(eventId: 1) {{ {} }} }}", written(0..1_900, |i| format!("totalParticipant{i} "))),
        ),
        ("a long name", format!("{{ {} }}", "x".repeat(FULL))),
        ("long names", format!("{{ {} }}", written(0..20, |i| format!("{}{i} ", "participants".repeat(200))))),
        ("unknown arguments", format!("{{ events({}) {{ totalCount }} }}", written(0..600, |i| format!("a{i}:1 ")))),
        (
            "unknown input fields",
            format!("{{ events(filter:{{{}}}) {{ totalCount }} }}", written(0..600, |i| format!("a{i}:1 "))),
        ),
        ("fields in conflict", format!("{{ {} }}", written(0..200, |i| format!("event(eventId:{i}) ")))),
        ("unused variables", format!("query({}) {{ __typename }}", written(0..480, |i| format!("$v{i}:Int ")))),
        ("variables of unknown types", format!("query({}) {{ __typename }}", written(0..480, |i| format!("$v{i}:T{i} ")))),
        ("undefined variables", format!("{{ {} }}", written(0..60, |i| format!("a{i}:event(eventId:$v{i}) ")))),
        ("one variable many times", format!("query({}) {{ __typename }}", "$v:Int ".repeat(480))),
        ("unknown fragments", format!("{{ {} }}", written(0..900, |i| format!("...F{i} ")))),
        ("unused fragments", format!("{{ a }} {}", written(0..250, |i| format!("fragment F{i} on Query{{a}} ")))),
        ("one fragment many times", format!("{{ ...F }} {}", "fragment F on Query{a} ".repeat(250))),
        ("unknown types", format!("{{ {} }}", written(0..400, |i| format!("...on T{i}{{a}} ")))),
        ("a cycle of one", "{ ...F } fragment F on Query { ...F }".to_owned()),
        ("a cycle of three", "{ ...A } fragment A on Query{...B} fragment B on Query{...C} fragment C on Query{...A}".to_owned()),
        ("a fragment bomb", bomb(25)),
        ("a deep fragment bomb", bomb(80)),
        (
            "a wide fragment bomb",
            format!(
                "{{ ...f0 }} {} fragment f5 on Query {{ a }}",
                written(0..5, |i| format!("fragment f{i} on Query {{ {} }} ", format!("...f{} ", i + 1).repeat(40)))
            ),
        ),
        ("a chain of fragments", {
            let chain = written(0..60, |i| format!("fragment f{i} on Query {{ ... {{ ...f{} }} }} ", i + 1));
            format!("{{ ...f0 }} {chain} fragment f60 on Query {{ a }}")
        }),
        ("a fragment called on", "{ ...on } fragment on on on { ...on }".to_owned()),
        ("aliases", format!("{{ {} }}", written(0..400, |i| format!("a{i}:metrics{{name}} ")))),
        ("unknown directives", format!("{{ a {} }}", written(0..60, |i| format!("@d{i} ")))),
        ("a directive many times", format!("{{ __typename {} }}", "@include(if:true) ".repeat(70))),
        ("many ids", format!("{{ nodes(ids: [{}]) {{ id }} }}", "\"a\" ".repeat(1_900))),
        ("many events", format!("{{ events(filter:{{eventIds:[{}]}}) {{ totalCount }} }}", "1 ".repeat(1_900))),
        ("a list of what is no id", format!("{{ nodes(ids: [{}]) {{ id }} }}", "true ".repeat(1_900))),
        (
            "everything of everything",
            "{ events(first:100) { nodes { channels { id } timeline(granularity: MINUTE, range: {last: \"P7D\"}) { points { \
             start compared { views } } } } } }"
                .to_owned(),
        ),
        ("a default used often", format!("query($i: [ID!]=[{}]) {{ {} }}", "1 ".repeat(900), "nodes(ids:$i){id} ".repeat(50))),
        ("a long string", format!("{{ event(eventId:\"{}\") {{ id }} }}", "x".repeat(FULL))),
        ("a long block string", format!("{{ event(eventId:\"\"\"{}\"\"\") {{ id }} }}", "a\n ".repeat(15_000))),
        ("an indented block string", format!("{{ event(eventId:\"\"\"{}\"\"\") {{ id }} }}", written(0..300, |i| format!("\n{}x", " ".repeat(i % 150))))),
        ("escapes", format!("{{ event(eventId:\"{}\") {{ id }} }}", "\\u0041".repeat(9_000))),
        ("escaped surrogates", "{ event(eventId:\"\\ud800\") { id } }".to_owned()),
        ("half an escape", "{ event(eventId:\"\\u12".to_owned()),
        ("a braced escape", "{ event(eventId:\"\\u{1F600}\") { id } }".to_owned()),
        ("a string over two lines", "{ event(eventId:\"a\nb\") { id } }".to_owned()),
        ("an open block string", "{ event(eventId:\"\"\"a\\\"\"\" ) { id } }".to_owned()),
        ("an open comment", format!("{{ a #{}", "x".repeat(FULL))),
        ("a comment that ends with a return", "{ a # {{{{\r b }".to_owned()),
        ("a long number", format!("{{ events(first:{}) {{ totalCount }} }}", "9".repeat(FULL))),
        ("a long exponent", format!("{{ events(first:1e{}) {{ totalCount }} }}", "9".repeat(6_000))),
        ("a long fraction", format!("{{ events(first:0.{}) {{ totalCount }} }}", "1".repeat(FULL))),
        ("minus", format!("{{ events(first:{}1) {{ totalCount }} }}", "-".repeat(10_000))),
        ("types of types", format!("query($a:{}Int{}){{a}}", "[".repeat(200), "]!".repeat(200))),
        ("a schema instead of a query", "type Query { a: Int }".to_owned()),
        ("only a fragment", "fragment F on Query { __typename }".to_owned()),
        ("white space of all kinds", format!("{{{}a}}", "\u{a0}\u{2028}\u{200b}".repeat(500))),
        ("names beyond ASCII", "{ événement }".to_owned()),
        ("operations", "query A{a} ".repeat(25)),
        ("a subscription of many", format!("subscription {{ {} }}", written(0..60, |i| format!("a{i}:eventUpdated(eventId:{i}){{cursor}} ")))),
        (
            "introspection around in a circle",
            format!("{{ __schema {{ types {{ {}name{} }} }} }}", "fields{type{".repeat(13), "}}".repeat(13)),
        ),
    ]
}

fn variables() -> Vec<(&'static str, String, String)> {
    const FILTER: &str = "query($f:EventFilter){events(filter:$f){totalCount}}";
    const IDS: &str = "query($i:[ID!]!){nodes(ids:$i){id}}";
    let often = |count| {
        format!("query($i:[ID!]!){{{}}}", written(0..count, |i| format!("a{i}:nodes(ids:$i){{id}} ")))
    };
    vec![
        (
            "deep lists as a variable",
            FILTER.to_owned(),
            format!("{{\"f\":{}{}}}", "[".repeat(100), "]".repeat(100)),
        ),
        ("lists without end as a variable", FILTER.to_owned(), format!("{{\"f\":{}", "[".repeat(60_000))),
        (
            "deep objects as a variable",
            FILTER.to_owned(),
            format!("{{\"f\":{}1{}}}", "{\"eventIds\":".repeat(100), "}".repeat(100)),
        ),
        ("a long list as a variable", IDS.to_owned(), format!("{{\"i\":{}}}", json!(vec![1; 20_000]))),
        (
            "a list of long strings",
            IDS.to_owned(),
            format!("{{\"i\":{}}}", json!(vec!["x".repeat(400); 120])),
        ),
        ("a list of nulls", IDS.to_owned(), format!("{{\"i\":{}}}", json!(vec![json!(null); 1_000]))),
        ("one list many times", often(60), format!("{{\"i\":{}}}", json!(vec![1; 1_000]))),
        (
            "variables that nobody asked for",
            "{ nothing }".to_owned(),
            format!("{{{}\"z\":1}}", written(0..4_000, |i| format!("\"v{i}\":1,"))),
        ),
        (
            "an object with many fields",
            FILTER.to_owned(),
            format!("{{\"f\":{{{}\"z\":1}}}}", written(0..4_000, |i| format!("\"v{i}\":1,"))),
        ),
        ("a large number", FILTER.to_owned(), "{\"f\":{\"minParticipants\":1e400}}".to_owned()),
        ("a fraction for a count", FILTER.to_owned(), "{\"f\":{\"minParticipants\":1.5}}".to_owned()),
        ("NUL in an id", FILTER.to_owned(), "{\"f\":{\"userId\":\"a\\u0000b\"}}".to_owned()),
        ("NUL in a text", FILTER.to_owned(), "{\"f\":{\"titleContains\":\"\\u0000\"}}".to_owned()),
        (
            "a decimal without end",
            FILTER.to_owned(),
            format!("{{\"f\":{{\"minRoi\":\"{}\"}}}}", "9".repeat(50_000)),
        ),
        (
            "a duration without end",
            "query($d:Duration!){event(eventId:1){timeline(range:{last:$d}){from}}}".to_owned(),
            format!("{{\"d\":\"P{}D\"}}", "9".repeat(50_000)),
        ),
        ("a list instead of variables", "{ nothing }".to_owned(), "[1]".to_owned()),
    ]
}
