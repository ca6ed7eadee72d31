//! The binary as a shell sees it: exit codes, one line per mistake, no secrets.

#![expect(clippy::unwrap_used, reason = "in a test, what can't be done is a failure")]

use std::process::{Command, Output};

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pulsegate"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn mistakes_are_refused_all_at_once_with_exit_code_2() {
    let output = run(
        &["serve", "--limit-depth", "deep"],
        &[
            ("HTTP_ADDR", "nowhere"),
            ("DATABASE_URL", "mysql://u:hunter2@h/d"),
            ("KAFKA_SASL_PASSWORT", "hunter2"),
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    let told = text(&output.stderr);
    let names: Vec<&str> = told.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(names, ["HTTP_ADDR", "--limit-depth", "DATABASE_URL", "KAFKA_SASL_PASSWORT"], "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn a_refusal_of_the_command_line_is_one_line_with_exit_code_2() {
    for arguments in
        [&["--no-such-option"][..], &["no-such-command"], &["migrate", "sideways"], &["demo", "--rate", "0"]]
    {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
    }
}

#[test]
fn help_shows_examples_and_never_what_is_set() {
    let secrets = [("JWT_HS256_SECRET", "hunter2"), ("DATABASE_URL", "postgres://u:hunter2@h/d")];
    for command in ["", "serve", "consume", "migrate", "schema", "demo"] {
        let arguments: Vec<&str> =
            [command, "--help"].into_iter().filter(|argument| !argument.is_empty()).collect();
        let output = run(&arguments, &secrets);
        assert_eq!(output.status.code(), Some(0));
        let told = text(&output.stdout);
        assert!(told.contains("Examples:\n") && told.contains("pulsegate"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn the_schema_goes_to_standard_output() {
    let output = run(&["schema"], &[]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("type Query {"));
}

#[test]
fn a_database_that_is_away_is_told_without_its_password() {
    let output = run(
        &["migrate", "status"],
        &[("DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/d"), ("LOG", "debug")],
    );
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.lines().any(|line| line.starts_with("pulsegate: the database can't be reached")), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn a_port_in_use_is_told_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(
        &["serve"],
        &[
            ("HTTP_ADDR", &address),
            ("DATABASE_URL", "postgres://127.0.0.1:1/d"),
            ("KAFKA_BROKERS", "127.0.0.1:1"),
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.starts_with(&format!("pulsegate: {address} can't be listened on")) && told.contains("HTTP_ADDR"),
        "{told}"
    );
}
