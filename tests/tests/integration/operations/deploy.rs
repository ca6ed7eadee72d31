//! What is deployed, checked for what a cluster would only say when it is too late.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize as _;
use serde_json::Value;
use tests::system::program;
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;
use tokio::process::Command;

const CHANNEL_APIS: [&str; 3] = ["CHANNEL_API_TV_URL", "CHANNEL_API_SNS_URL", "CHANNEL_API_VOICE_URL"];

fn read(path: &str) -> String {
    let path: PathBuf = program::repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// All documents of a file of YAML.
fn documents(path: &str) -> Vec<Value> {
    let text = read(path);
    let all =
        serde_yaml_ng::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap());
    all.filter(|document| !document.is_null()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The variables that the binary knows.
fn variables() -> BTreeSet<String> {
    let example = read(".env.example");
    let names = example.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[track_caller]
fn known(names: impl IntoIterator<Item = String>) {
    let variables = variables();
    for name in names {
        assert!(variables.contains(&name), "{name} is no variable of the binary");
    }
}

fn keys(object: &Value) -> Vec<String> {
    object.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

#[test]
fn manifests_are_whole() {
    let kustomization = documents("deploy/kubernetes/kustomization.yaml").remove(0);
    let files: Vec<String> = kustomization["resources"].as_array().unwrap().iter().map(text).collect();
    let mut by_kind: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for file in files {
        // The real one is made from the example.
        let file = if file == "secret.yaml" { "secret.example.yaml".to_owned() } else { file };
        for document in documents(&format!("deploy/kubernetes/{file}")) {
            assert!(document["apiVersion"].is_string() && document["metadata"]["name"].is_string(), "{file}");
            by_kind.entry(text(&document["kind"])).or_default().push(document);
        }
    }
    let kinds: Vec<&str> = by_kind.keys().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "ConfigMap",
            "Deployment",
            "HorizontalPodAutoscaler",
            "Job",
            "Namespace",
            "NetworkPolicy",
            "PodDisruptionBudget",
            "Secret",
            "Service"
        ]
    );
    let configured = keys(&by_kind["ConfigMap"][0]["data"]);
    // Gateways read channels too, so it stands in what both are given.
    assert!(CHANNEL_APIS.iter().all(|variable| configured.iter().any(|name| name == variable)));
    known(configured);
    known(keys(&by_kind["Secret"][0]["stringData"]));

    let named: BTreeSet<String> =
        by_kind["Deployment"].iter().map(|document| text(&document["metadata"]["name"])).collect();
    assert_eq!(named.len(), 2);
    for document in by_kind["Deployment"].iter().chain(&by_kind["Job"]) {
        pod(document);
    }
    for document in &by_kind["Deployment"] {
        let labels = &document["spec"]["template"]["metadata"]["labels"];
        assert_eq!(&document["spec"]["selector"]["matchLabels"], labels);
        let container = &document["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
        assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
        let port = container["ports"][0]["containerPort"].to_string();
        let listens = &container["env"][0];
        assert!(text(&listens["value"]).ends_with(&format!(":{port}")), "{listens}");
        known([text(&listens["name"])]);
        assert!(document["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap() > 10);
        assert_eq!(document["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"], port);
    }
    for kind in ["PodDisruptionBudget", "Service"] {
        for document in &by_kind[kind] {
            let spec = &document["spec"]["selector"];
            let selected = spec.get("matchLabels").unwrap_or(spec)["app.kubernetes.io/name"].clone();
            assert!(named.contains(&text(&selected)), "{selected}");
        }
    }
    let target = &by_kind["HorizontalPodAutoscaler"][0]["spec"]["scaleTargetRef"]["name"];
    assert!(named.contains(&text(target)), "{target}");
}

/// What a namespace with the restricted policy takes, and no more than that.
fn pod(document: &Value) {
    let spec = &document["spec"]["template"]["spec"];
    assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
    assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(spec["automountServiceAccountToken"], false);
    for container in spec["containers"].as_array().unwrap() {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(context["capabilities"]["drop"][0], "ALL");
        assert!(container["resources"]["limits"]["memory"].is_string());
        assert!(container["resources"]["requests"]["cpu"].is_string());
        assert_eq!(container["image"], "pulsegate");
        assert!(["serve", "consume", "migrate"].contains(&container["args"][0].as_str().unwrap()));
        for source in container["envFrom"].as_array().unwrap() {
            let name = source.pointer("/configMapRef/name").or(source.pointer("/secretRef/name"));
            assert_eq!(name.unwrap(), "pulsegate");
        }
    }
}

#[test]
fn the_composition_has_three_sizes() {
    let mut composition: serde_yaml_ng::Value = serde_yaml_ng::from_str(&read("compose.yaml")).unwrap();
    // Once for each level of anchors within anchors.
    for _ in 0..3 {
        composition.apply_merge().unwrap();
    }
    let composition: Value = serde_json::to_value(composition).unwrap();
    let services = composition["services"].as_object().unwrap();
    let of = |profile: Option<&str>| -> BTreeSet<&str> {
        let chosen = services.iter().filter(|(_, service)| match service["profiles"].as_array() {
            None => true,
            Some(profiles) => profile.is_some_and(|profile| profiles.iter().any(|known| known == profile)),
        });
        chosen.map(|(name, _)| name.as_str()).collect()
    };
    assert_eq!(of(None), BTreeSet::from(["kafka", "postgres", "redis"]));
    assert_eq!(of(Some("all")), BTreeSet::from(["api", "consumer", "kafka", "migrate", "postgres", "redis"]));
    assert_eq!(
        of(Some("scaled")),
        BTreeSet::from([
            "consumer",
            "gateway-1",
            "gateway-2",
            "kafka",
            "migrate",
            "postgres",
            "proxy",
            "redis"
        ])
    );
    for profile in [None, Some("all"), Some("scaled")] {
        let chosen = of(profile);
        for name in &chosen {
            for needed in keys(&services[*name]["depends_on"]) {
                assert!(
                    chosen.contains(needed.as_str()),
                    "{name} needs {needed}, which {profile:?} does not have"
                );
            }
        }
    }
    for (name, service) in services {
        for port in service["ports"].as_array().into_iter().flatten() {
            assert!(text(port).starts_with("127.0.0.1:"), "{name} is open to the network");
        }
        if service["image"] == "pulsegate" {
            assert_eq!(service["read_only"], true, "{name}");
            let others = ["PROBE_PORT".to_owned()];
            for variable in CHANNEL_APIS {
                assert_eq!(service["environment"][variable], format!("${{{variable}:-}}"), "{name}");
            }
            known(keys(&service["environment"]).into_iter().filter(|name| !others.contains(name)));
        }
    }
    let proxy = read("deploy/proxy/nginx.conf");
    for gateway in ["gateway-1:8080", "gateway-2:8080"] {
        assert!(proxy.contains(gateway));
    }
}

#[test]
fn the_image_runs_as_nobody_in_particular() {
    let lines = read("Dockerfile");
    let last_stage = lines.rsplit("\nFROM ").next().unwrap();
    assert!(last_stage.contains("\nUSER 10001"), "{last_stage}");
    assert!(last_stage.contains("\nHEALTHCHECK "));
    assert!(lines.contains("--features kafka-tls") && lines.contains("--locked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_images_health_check_asks_whether_it_is_ready() {
    let lines = read("Dockerfile");
    let (_, check) = lines.split_once("\nHEALTHCHECK ").unwrap();
    let (_, command) = check.split_once("CMD ").unwrap();
    let command: Vec<String> = serde_json::from_str(command.lines().next().unwrap()).unwrap();
    let is_healthy = async |process: &Pulsegate| {
        let port = process.base().rsplit(':').next().unwrap();
        let mut check = Command::new(&command[0]);
        check.args(&command[1..]).env("PROBE_PORT", port).output().await.unwrap().status.success()
    };
    let testbed = Testbed::new().await.unwrap();
    let mut gateway = testbed.start(Role::Serve).await.unwrap();
    let consumer = testbed.start(Role::Consume).await.unwrap();
    assert!(is_healthy(&gateway).await && is_healthy(&consumer).await);
    gateway.kill().unwrap();
    assert!(!is_healthy(&gateway).await, "nobody is there");

    let waiting = testbed.launch(Role::Serve, &[("DATABASE_URL", "postgres://127.0.0.1:1/away")]).unwrap();
    wait::until("an answer", Duration::from_secs(30), async || {
        Ok(reqwest::get(format!("{}/healthz", waiting.base())).await.map(drop).map_err(Into::into))
    })
    .await
    .unwrap();
    assert!(!is_healthy(&waiting).await, "it waits for its database");
}
