use std::time::Duration;

use sea_orm::sqlx::{self, Connection as _, PgConnection};
use tests::servers::postgres::{Durability, Postgres, Source, version};
use tokio::time::timeout;

#[tokio::test]
async fn a_killed_server_comes_back_on_its_port_with_what_was_committed() {
    let mut server = Postgres::start(&Source::find().unwrap(), Durability::Full).await.unwrap();
    let url = server.url("postgres");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query("CREATE TABLE kept (id integer)").execute(&mut connection).await.unwrap();
    sqlx::query("INSERT INTO kept SELECT generate_series(1, 1000)").execute(&mut connection).await.unwrap();

    server.kill().unwrap();
    assert!(version(&url).await.is_err(), "a killed server answers");
    assert!(
        sqlx::query("SELECT 1").execute(&mut connection).await.is_err(),
        "a killed server's session lives"
    );

    server.restart().await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(rows, 1000);
}

#[tokio::test]
async fn a_frozen_server_hangs_and_goes_on_where_it_was() {
    let server = Postgres::start(&Source::find().unwrap(), Durability::None).await.unwrap();
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();

    server.freeze().unwrap();
    let mut answer = Box::pin(sqlx::query_scalar("SELECT 42").fetch_one(&mut connection));
    assert!(timeout(Duration::from_secs(1), &mut answer).await.is_err(), "a frozen server's session answers");

    server.thaw().unwrap();
    let answer: i32 = timeout(Duration::from_secs(10), answer).await.unwrap().unwrap();
    assert_eq!(answer, 42);
}
