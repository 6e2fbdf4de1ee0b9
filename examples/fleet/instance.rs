//! One process of the fleet: a service whose settings are in its environment.

use std::{env, io, sync::mpsc, time::Instant};

use genesys_cloud_auth::{
    Event, TokenProvider,
    store::{FileStore, RedisStore},
};
use tokio::task::spawn_blocking;

use crate::{Result, terminal::Output};

/// Does what the parent orders.
pub(crate) async fn be_instance(out: &mut Output, store: &[&str]) -> Result<()> {
    let (send, events) = mpsc::channel();
    let builder = TokenProvider::builder_from_env()?.on_event(move |event| {
        // After the last order nobody receives them.
        let _ = send.send(event.clone());
    });
    let tokens = match *store {
        [] => builder,
        ["redis"] => builder.store(RedisStore::new(&env::var("REDIS_URL")?)?),
        [folder, ..] => builder.store(FileStore::in_folder(folder)),
    };
    let tokens = tokens.build()?;
    out.verbatim("ready")?;
    if !is_ordered().await? {
        return Ok(());
    }
    let start = Instant::now();
    tokens.token().await?;
    let wait = start.elapsed().as_micros();
    let mut failure = String::new();
    loop {
        match events.recv()? {
            Event::StoreFailed { error, .. } => failure = format!(" {error}"),
            Event::Acquired { .. } | Event::Loaded { .. } => break,
            _ => {}
        }
    }
    out.verbatim(format_args!("{wait}{failure}"))?;
    // One process ends the token and removes it from the store.
    if is_ordered().await? {
        let _ = tokens.revoke().await;
        out.verbatim("revoked")?;
    }
    Ok(())
}

/// Waits for the next order. Returns false if the parent has none or has ended.
async fn is_ordered() -> Result<bool> {
    let reading = spawn_blocking(|| io::stdin().read_line(&mut String::new()));
    Ok(reading.await?? > 0)
}

/// The argument that makes the program such a process.
pub(crate) const INSTANCE: &str = "--instance";
