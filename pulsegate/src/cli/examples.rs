//! What stands below the options of each command.

pub(super) const SERVE: &str = "\
Examples:
  pulsegate
      the whole product at http://127.0.0.1:8080, with nothing else installed
  pulsegate serve --no-demo --http-addr 127.0.0.1:9000
      the same without demo data, at another address
  DATABASE_URL=postgres://user:password@db/pulsegate KAFKA_BROKERS=kafka:9092 pulsegate serve --with-consumer --migrate
      with a database and a Kafka that are there, consuming too

Every option can be set by a variable of the same name (--http-addr: HTTP_ADDR) or by a key of the file that --config
names (http_addr). Flags go before variables, variables before the file.";

pub(super) const CONSUME: &str = "\
Examples:
  DATABASE_URL=postgres://user:password@db/pulsegate KAFKA_BROKERS=kafka:9092 pulsegate consume
      reads the topics into the database
  KAFKA_SECURITY_PROTOCOL=sasl_ssl KAFKA_SASL_MECHANISM=SCRAM-SHA-512 pulsegate consume --config pulsegate.toml
      with settings of librdkafka, the rest in a file";

pub(super) const MIGRATE: &str = "\
Examples:
  DATABASE_URL=postgres://user:password@db/pulsegate pulsegate migrate up
      brings the database to this version's schema
  pulsegate migrate status
      lists the migrations of the embedded database
  pulsegate migrate down --steps 1
      takes the newest migration back, and what it holds";

pub(super) const SCHEMA: &str = "\
Examples:
  pulsegate schema > schema.graphql";

pub(super) const CHECK: &str = "\
Examples:
  pulsegate check --config pulsegate.toml
      reads all settings, asks everything that they name, and says what `serve` and `consume` would do
  pulsegate check && pulsegate migrate up
      migrates a database only where everything answers

It changes nothing. Its exit code is 2 where a setting is wrong, 1 where something does not answer as it should.";

pub(super) const DEMO: &str = "\
Examples:
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate demo
      two weeks of history, then a minute live
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate demo --users 20 --events 200 --days 30 --rate 500 --duration 600
      more of everything
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate demo --days 0 --duration 0
      live only, until Ctrl-C
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate demo --duration 0 --channel-api 127.0.0.1:8090
      with channels to read, for a consumer with CHANNEL_API_TV_URL=http://127.0.0.1:8090/tv and the like

What it has said once it says under the same message ids again, so that going on later doubles nothing.";
