use redis::{AsyncTypedCommands as _, Client};
use tests::servers::redis::{Redis, Source, version};

#[tokio::test]
async fn a_killed_server_comes_back_empty_on_its_port() {
    let mut server = Redis::start(Source::find().unwrap()).await.unwrap();
    let client = Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    connection.set("key", "값").await.unwrap();
    assert_eq!(connection.get("key").await.unwrap().as_deref(), Some("값"));

    server.kill().unwrap();
    assert!(version(&server.url()).await.is_err(), "a killed server answers");

    server.restart().await.unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    assert_eq!(connection.get("key").await.unwrap(), None);
}

#[tokio::test]
async fn a_frozen_server_hangs_and_keeps_what_it_holds() {
    let server = Redis::start(Source::find().unwrap()).await.unwrap();
    let mut connection =
        Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    connection.set("key", "1").await.unwrap();

    server.freeze().unwrap();
    assert!(version(&server.url()).await.is_err(), "a frozen server answers");

    server.thaw().unwrap();
    version(&server.url()).await.unwrap();
    let mut connection =
        Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    assert_eq!(connection.get("key").await.unwrap().as_deref(), Some("1"));
}
