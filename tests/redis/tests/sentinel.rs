//! A primary and its replica, which a Sentinel watches.

use std::{fs, sync::Arc};

use genesys_cloud_auth::store::RedisStore;
use redis::sentinel::{SentinelClient, SentinelServerType};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::server::{Server, text, until};

pub struct Watched {
    pub primary: Server,
    pub replica: Server,
    sentinel: Server,
    _folder: TempDir,
}

impl Watched {
    pub async fn start() -> Self {
        let primary = Server::start();
        let port = primary.port().to_string();
        let replica = Server::start_with(&["--replicaof", "127.0.0.1", &port]);
        until(async || {
            let replication = replica.ask(&["INFO", "replication"]).await;
            text(replication).contains("link_status:up")
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sentinel.conf");
        // There is a failover only when it is ordered.
        let config = format!(
            "sentinel monitor main 127.0.0.1 {port} 1\n\
             sentinel down-after-milliseconds main 3600000\n"
        );
        fs::write(&file, config).unwrap();
        let sentinel = Server::start_with(&[file.to_str().unwrap(), "--sentinel"]);
        until(async || {
            let replicas = sentinel.ask(&["SENTINEL", "REPLICAS", "main"]).await;
            text(replicas).contains("slave")
        })
        .await;
        Self {
            primary,
            replica,
            sentinel,
            _folder: folder,
        }
    }

    /// What [`store_of`] takes.
    pub fn url(&self) -> String {
        self.sentinel.url().replace("redis:", SCHEME)
    }

    /// Makes the replica the primary, whether or not the former one is alive.
    pub async fn fail_over(&self) {
        // It is rejected until Sentinel has looked at the replica.
        let failover = ["SENTINEL", "FAILOVER", "main"];
        until(async || self.sentinel.try_ask(&failover).await.is_ok()).await;
        let primary = ["SENTINEL", "MASTER", "main"];
        let port = self.replica.port().to_string();
        until(async || text(self.sentinel.ask(&primary).await).contains(&port)).await;
    }
}

/// The store of this URL, if that is one of a Sentinel.
pub fn store_of(url: &str) -> Option<RedisStore> {
    let url = url.strip_prefix(SCHEME)?;
    let sentinels = vec![format!("redis:{url}")];
    let client = SentinelClient::build(sentinels, "main", None, SentinelServerType::Master);
    let client = Arc::new(Mutex::new(client.unwrap()));
    Some(RedisStore::from_fn(move || {
        let client = Arc::clone(&client);
        async move { Ok(client.lock().await.get_async_connection().await?) }
    }))
}

const SCHEME: &str = "sentinel:";
