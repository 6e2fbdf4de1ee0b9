//! Connections of the program's own: a cluster, and Sentinel with a failover.

use std::{process::Command, sync::Arc, time::Duration};

use genesys_cloud_auth::{
    Clock,
    store::{RedisStore, StoreKey, store_conformance_with_lost_turns},
};
use redis::{
    Value,
    cluster::ClusterClient,
    sentinel::{SentinelClient, SentinelServerType},
};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    member::{LIFE, Site, hash_of, sandbox},
    server::{Server, command, free_port},
};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn store_in_a_cluster_passes_conformance() {
    let nodes: Vec<_> = (0..3)
        .map(|_| {
            let bus = free_port().to_string();
            Server::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus])
        })
        .collect();
    let addresses = nodes
        .iter()
        .map(|node| format!("127.0.0.1:{}", node.port()));
    let created = Command::new("redis-cli")
        .args(["--cluster", "create"])
        .args(addresses)
        .arg("--cluster-yes")
        .output()
        .unwrap();
    assert!(created.status.success(), "{created:?}");
    let client = ClusterClient::new(nodes.iter().map(Server::url)).unwrap();
    let ready = async {
        for node in &nodes {
            while !text(node.ask(&["CLUSTER", "INFO"]).await).contains("cluster_state:ok") {
                tokio::task::yield_now().await;
            }
        }
    };
    timeout(LONG, ready).await.unwrap();
    let connection = client.get_async_connection().await.unwrap();
    let open = async || RedisStore::with_connection(connection.clone());
    let lose = async |key: &StoreKey| {
        let turn = format!("genesys-cloud-auth:{{{}}}:turn", key.as_str());
        let mut connection = connection.clone();
        let lost = command(&["DEL", &turn]).query_async(&mut connection).await;
        assert_eq!(lost, Ok(1));
    };
    store_conformance_with_lost_turns(open, lose).await.unwrap();
    // The records are spread over the nodes.
    for node in &nodes {
        assert!(!node.keys().await.is_empty());
    }
}

#[tokio::test]
async fn store_of_a_sentinel_follows_a_failover() {
    let primary = Server::start();
    let port = primary.port().to_string();
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &port]);
    let synced = async {
        while !text(replica.ask(&["INFO", "replication"]).await).contains("link_status:up") {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, synced).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sentinel.conf");
    std::fs::write(&file, format!("sentinel monitor main 127.0.0.1 {port} 1\n")).unwrap();
    let sentinel = Server::start_with(&[file.to_str().unwrap(), "--sentinel"]);
    let known = async {
        while !text(sentinel.ask(&["SENTINEL", "REPLICAS", "main"]).await).contains("slave") {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, known).await.unwrap();

    let client = SentinelClient::build(
        vec![sentinel.url()],
        "main",
        None,
        SentinelServerType::Master,
    );
    let client = Arc::new(Mutex::new(client.unwrap()));
    let store = RedisStore::from_fn(move || {
        let client = Arc::clone(&client);
        async move { Ok(client.lock().await.get_async_connection().await?) }
    });
    let sandbox = sandbox().await;
    let site = Site::of(&sandbox, &primary.url());
    let clock = Clock::manual();
    let provider = || site.builder(&clock).store(store.clone()).build().unwrap();
    let tokens = provider();
    tokens.token().await.unwrap();

    let done = async {
        // It is rejected until Sentinel has looked at the replica.
        while sentinel
            .try_ask(&["SENTINEL", "FAILOVER", "main"])
            .await
            .is_err()
        {}
        // The former primary closes its connections.
        let role = async || {
            primary
                .try_ask(&["ROLE"])
                .await
                .map_or_else(|_| String::new(), text)
        };
        while !role().await.contains("slave") {}
    };
    timeout(LONG, done).await.unwrap();
    clock.advance(LIFE);
    let token = tokens.token().await.unwrap();
    assert_eq!(sandbox.token_requests(), 2);
    // It is stored in the new primary, where another process finds it.
    assert!(replica.record().await.ends_with(":record"));
    assert_eq!(hash_of(&provider().token().await.unwrap()), hash_of(&token));
    assert_eq!(sandbox.token_requests(), 2);
}

/// All words of a response.
fn text(value: Value) -> String {
    format!("{value:?}")
}
