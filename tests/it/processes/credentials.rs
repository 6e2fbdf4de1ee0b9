//! One token of client credentials for all processes.

use std::sync::mpsc;

use genesys_cloud_auth::{ClientCredentials, Event};

use super::*;
use crate::support::{
    child_process::{messages_of, send_to_parent},
    event_channel,
};

const PROCESSES: usize = 20;

/// A sandbox and a folder.
pub(super) struct Fleet {
    pub(super) sandbox: Sandbox,
    pub(super) folder: TempDir,
}

impl Fleet {
    pub(super) async fn new() -> Self {
        let sandbox = Sandbox::builder().token_lifetime(LIFE).start();
        Self {
            sandbox: sandbox.await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A process that starts, and what it knows.
    pub(super) fn member(&self) -> (TokenProvider, mpsc::Receiver<Event>) {
        member_of(&ChildSite::of(self.job().into()))
    }

    /// Returns the arguments of a child process: its [`ChildSite`] and the secret.
    pub(super) fn job(&self) -> [String; 4] {
        [
            self.sandbox.url(),
            self.sandbox.client_id().to_owned(),
            self.folder.path().to_str().unwrap().to_owned(),
            self.sandbox.client_secret().expose_secret().to_owned(),
        ]
    }

    #[cfg(unix)]
    pub(super) fn record(&self) -> PathBuf {
        record_in(self.folder.path())
    }
}

pub(super) fn member_of(here: &ChildSite) -> (TokenProvider, mpsc::Receiver<Event>) {
    let (handle, events) = event_channel();
    let credentials = ClientCredentials::new(&here.client_id, &*here.rest[0]).unwrap();
    let builder = TokenProvider::builder(here.region(), credentials)
        .store(here.store())
        .http_client(connections())
        .on_event(handle);
    (builder.build().unwrap(), events)
}

#[test]
fn fleet_that_starts_at_once_sends_one_request() {
    let test = "processes::credentials::fleet_that_starts_at_once_sends_one_request";
    if let Some(here) = ChildSite::of_this_process() {
        let (tokens, _) = member_of(&here);
        let token = runtime().block_on(tokens.token()).unwrap();
        return send_to_parent(&hash_of(&token));
    }
    let fleet = runtime().block_on(Fleet::new());
    let gate = fleet.sandbox.at_token_endpoint().gate();
    let start = || command(test, &fleet.job()).spawn().unwrap();
    let children: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    runtime().block_on(gate.wait_for(1));
    gate.release();
    let mut tokens: Vec<_> = children
        .into_iter()
        .map(|child| messages_of(&child.wait_with_output().unwrap()).remove(0))
        .collect();
    // A process that starts afterwards sends nothing.
    tokens.extend(messages_of(&start().wait_with_output().unwrap()));
    assert_eq!(tokens.len(), PROCESSES + 1);
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(fleet.sandbox.token_requests(), 1);
    assert_eq!(names(fleet.folder.path()).len(), 2);
}

#[tokio::test]
async fn rotated_secret_never_finds_the_old_token() {
    let fleet = Fleet::new().await;
    let (old, _) = fleet.member();
    let token = old.token().await.unwrap();
    fleet.sandbox.rotate_secret();
    for requests in [2, 2] {
        let (new, _) = fleet.member();
        let other = new.token().await.unwrap();
        assert_ne!(other.expose_secret(), token.expose_secret());
        assert_eq!(fleet.sandbox.token_requests(), requests);
    }
    // There are two records and their locks.
    assert_eq!(names(fleet.folder.path()).len(), 4);
}
