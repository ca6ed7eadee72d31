use tests::clients::kcat::{Kcat, Message};
use tests::report::not_for_real;
use tests::servers::kafka::{self, Kafka, Source, answers};
use tests::services::Services;
use tests::unique;

fn message(key: &str, body: &str) -> Message {
    Message { key: key.to_owned(), headers: Vec::new(), body: body.to_owned() }
}

#[tokio::test]
async fn kcat_reads_what_it_produced() {
    let services = Services::shared().await.unwrap();
    let topic = unique::name();
    services.create_topics(&[&topic], 3).await.unwrap();
    let kcat = Kcat::new(services.kafka_brokers());

    kcat.produce(&topic, "evt-1", r#"{"title":"새해 경품 이벤트"}"#).await.unwrap();
    kcat.produce(&topic, "evt-1", "{}").await.unwrap();

    let read = kcat.read(&topic).await.unwrap();
    assert_eq!(read, [message("evt-1", r#"{"title":"새해 경품 이벤트"}"#), message("evt-1", "{}")]);
}

#[tokio::test]
async fn a_broker_survives_a_kill_and_a_freeze_with_its_messages() {
    let source = match Source::obtain() {
        Ok(source) => source,
        Err(error) => return not_for_real("kill and freeze of a Kafka broker", &error.to_string()),
    };
    let mut broker = Kafka::start(&source).await.unwrap();
    let kcat = Kcat::new(&broker.brokers());
    kafka::create_topics(&broker.brokers(), &["kept"], 1).await.unwrap();
    kcat.produce("kept", "k", "one").await.unwrap();

    broker.kill().unwrap();
    assert!(answers(&broker.brokers()).await.is_err(), "a killed broker answers");
    broker.restart().await.unwrap();
    assert_eq!(kcat.read("kept").await.unwrap(), [message("k", "one")]);

    broker.freeze().unwrap();
    assert!(answers(&broker.brokers()).await.is_err(), "a frozen broker answers");
    broker.thaw().unwrap();
    answers(&broker.brokers()).await.unwrap();
    kcat.produce("kept", "k", "two").await.unwrap();
    assert_eq!(kcat.read("kept").await.unwrap(), [message("k", "one"), message("k", "two")]);
}
