//! Connections of the program's own: a cluster, and Sentinel with a failover.

use std::{process::Command, sync::Mutex, time::Duration};

use genesys_cloud_auth::{
    Clock,
    store::{RedisStore, Sealed, StoreKey, TokenStore as _, store_conformance_with_lost_turns},
};
use redis::{Client, cluster::ClusterClient};

use crate::{
    member::{LIFE, Site, hash_of, sandbox},
    sentinel::Watched,
    server::{Server, command, free_port, text, until},
};

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
    for node in &nodes {
        let info = async || text(node.ask(&["CLUSTER", "INFO"]).await);
        until(async || info().await.contains("cluster_state:ok")).await;
    }
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
    let servers = Watched::start().await;
    let sandbox = sandbox().await;
    let site = Site::of(&sandbox, &servers.url());
    let clock = Clock::manual();
    let tokens = site.tokens(&clock);
    tokens.token().await.unwrap();
    servers.fail_over().await;
    // The former primary closes its connections.
    let role = async || servers.primary.try_ask(&["ROLE"]).await;
    until(async || role().await.is_ok_and(|role| text(role).contains("slave"))).await;
    clock.advance(LIFE);
    let token = tokens.token().await.unwrap();
    assert_eq!(sandbox.token_requests(), 2);
    // It is stored in the new primary, where another process finds it.
    assert!(servers.replica.record().await.ends_with(":record"));
    let another = site.tokens(&clock).token().await.unwrap();
    assert_eq!(hash_of(&another), hash_of(&token));
    assert_eq!(sandbox.token_requests(), 2);
}

/// It stays open, and answers reads or nothing at all.
#[tokio::test]
async fn connection_to_a_former_primary_is_replaced() {
    for serves_reads in ["yes", "no"] {
        let servers = [0, 1].map(|_| Server::start());
        let clients = servers.each_ref().map(|server| Client::open(server.url()));
        let clients = Mutex::new(clients.into_iter());
        let store = RedisStore::from_fn(move || {
            let next = clients.lock().unwrap().next().unwrap();
            async move { Ok(next?.get_multiplexed_async_connection().await?) }
        });
        let key = StoreKey::for_tests("a");
        assert!(store.load(&key).await.unwrap().is_none());
        let [former, primary] = &servers;
        let config = ["CONFIG", "SET", "replica-serve-stale-data", serves_reads];
        former.ask(&config).await;
        former.ask(&["REPLICAOF", "127.0.0.1", "1"]).await;
        let turn = store.take_turn(&key, Duration::ZERO).await.unwrap();
        let value = Sealed::from_bytes(b"a record".to_vec());
        store.save(turn, &key, value).await.unwrap();
        assert!(primary.record().await.ends_with(":record"));
    }
}
