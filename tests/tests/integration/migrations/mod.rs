//! The schema: brought up, taken back, told; and the ERD, read back from the catalogs.

mod checks;
mod erd;

use std::collections::BTreeSet;

use sea_orm::sqlx::{self, PgPool};
use tests::testbed::{Testbed, binary};
use tokio::process::Command;

/// The lines that `pulsegate migrate …` prints: `applied|pending name`.
async fn migrate(testbed: &Testbed, arguments: &[&str]) -> Vec<(String, String)> {
    let mut command = Command::new(binary().unwrap());
    command.arg("migrate").args(arguments).env("DATABASE_URL", testbed.database_url());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let state = |line: &str| line.split_once(' ').map(|(state, name)| (state.to_owned(), name.to_owned()));
    printed.lines().map(|line| state(line).unwrap()).collect()
}

async fn states(testbed: &Testbed, arguments: &[&str]) -> BTreeSet<String> {
    migrate(testbed, arguments).await.into_iter().map(|(state, _)| state).collect()
}

fn only(state: &str) -> BTreeSet<String> {
    BTreeSet::from([state.to_owned()])
}

/// Tables, sequences, indexes and functions of the product's.
async fn objects(database: &PgPool) -> Vec<String> {
    let query = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                 AND relname NOT LIKE 'seaql\\_migrations%' \
                 UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1";
    sqlx::query_scalar(query).fetch_all(database).await.unwrap()
}

#[tokio::test]
async fn an_empty_database_is_brought_up_and_taken_back() {
    let testbed = Testbed::builder().unmigrated().build().await.unwrap();
    assert_eq!(states(&testbed, &["status"]).await, only("pending"));
    assert_eq!(objects(testbed.database()).await, Vec::<String>::new(), "status changes nothing");

    assert_eq!(states(&testbed, &["up"]).await, only("applied"));
    let schema = objects(testbed.database()).await;
    assert!(schema.iter().any(|name| name == "event_stats"), "{schema:?}");
    assert_eq!(states(&testbed, &["up"]).await, only("applied"));
    assert_eq!(objects(testbed.database()).await, schema, "up a second time changes nothing");

    let steps = migrate(&testbed, &["down", "--steps", "1"]).await;
    let (newest, older) = steps.split_last().unwrap();
    assert_eq!(newest.0, "pending");
    assert!(older.iter().all(|(state, _)| state == "applied"), "{steps:?}");
    assert_eq!(migrate(&testbed, &["status"]).await, steps);

    assert_eq!(states(&testbed, &["down"]).await, only("pending"));
    assert_eq!(objects(testbed.database()).await, Vec::<String>::new(), "down leaves nothing behind");
    assert_eq!(states(&testbed, &["up"]).await, only("applied"));
    assert_eq!(objects(testbed.database()).await, schema);
}

#[tokio::test]
async fn a_filled_database_keeps_its_rows_on_up_and_can_be_taken_back() {
    let testbed = Testbed::new().await.unwrap();
    let database = testbed.database();
    let fill = r#"
        INSERT INTO event_stats (event_id, event_title, user_id) VALUES ('evt', '새해 경품', 'user');
        INSERT INTO channel_stats (event_id, channel_name, channel_type) VALUES ('evt', '지니TV', 'TV');
        INSERT INTO timeline_data (event_id, "timestamp")
        SELECT 'evt', at FROM generate_series(TIMESTAMP '2019-01-01', TIMESTAMP '2019-12-31', '1 day') AS at;
        SELECT ensure_timeline_partition(DATE '2019-06-01')"#;
    sqlx::raw_sql(fill).execute(database).await.unwrap();
    let count = async || -> i64 {
        let all = "SELECT (SELECT count(*) FROM event_stats) + (SELECT count(*) FROM channel_stats) \
                   + (SELECT count(*) FROM timeline_data)";
        sqlx::query_scalar(all).fetch_one(database).await.unwrap()
    };
    assert_eq!(states(&testbed, &["up"]).await, only("applied"));
    assert_eq!(count().await, 367);
    assert_eq!(states(&testbed, &["down"]).await, only("pending"));
    assert_eq!(objects(database).await, Vec::<String>::new());
    assert_eq!(states(&testbed, &["up"]).await, only("applied"));
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn processes_that_migrate_at_the_same_time_take_turns() {
    let testbed = Testbed::builder().unmigrated().build().await.unwrap();
    let (a, b, c) =
        tokio::join!(states(&testbed, &["up"]), states(&testbed, &["up"]), states(&testbed, &["up"]));
    assert_eq!([a, b, c], [only("applied"), only("applied"), only("applied")]);
}
