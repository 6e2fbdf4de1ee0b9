//! One token of client credentials for all processes.

use std::{
    fs::OpenOptions,
    sync::{Mutex, mpsc},
};

use genesys_cloud_auth::{ClientCredentials, Event};
use secrecy::SecretString;

use super::*;
use crate::support::job::{job, said, say};

const PROCESSES: usize = 20;

/// A sandbox and a folder.
struct Fleet {
    sandbox: Sandbox,
    folder: TempDir,
}

impl Fleet {
    async fn new() -> Self {
        let sandbox = Sandbox::builder().token_lifetime(LIFE).start();
        Self {
            sandbox: sandbox.await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A process that starts, and what it is told of its store.
    fn member(&self) -> (TokenProvider, mpsc::Receiver<Event>) {
        let secret = self.sandbox.client_secret();
        let region = self.sandbox.region();
        member(region, self.sandbox.client_id(), secret, self.folder.path())
    }

    fn record(&self) -> PathBuf {
        let mut names = names(self.folder.path()).into_iter();
        let name = names.find(|name| !name.contains('.')).unwrap();
        self.folder.path().join(name)
    }
}

fn member(
    region: Region,
    client_id: &str,
    secret: SecretString,
    folder: &Path,
) -> (TokenProvider, mpsc::Receiver<Event>) {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let credentials = ClientCredentials::new(client_id, secret).unwrap();
    let builder = TokenProvider::builder(region, credentials)
        .store(FileStore::in_folder(folder))
        .connections(connections())
        .on_event(move |event| drop(tell.lock().unwrap().send(event.clone())));
    (builder.build().unwrap(), told)
}

#[test]
fn a_fleet_that_starts_at_once_makes_one_request() {
    let test = "processes::credentials::a_fleet_that_starts_at_once_makes_one_request";
    if let Some(job) = job() {
        let mut here = Here::of(job);
        let secret = here.rest.remove(0);
        let (tokens, _) = member(here.region(), &here.client_id, secret.into(), &here.folder);
        let token = runtime().block_on(tokens.token()).unwrap();
        return say(&hash_of(&token));
    }
    let fleet = runtime().block_on(Fleet::new());
    let gate = fleet.sandbox.at_token_endpoint().gate();
    let secret = fleet.sandbox.client_secret();
    let url = fleet.sandbox.url();
    let job = [
        &*url,
        fleet.sandbox.client_id(),
        fleet.folder.path().to_str().unwrap(),
        secret.expose_secret(),
    ];
    let start = || command(test, &job).spawn().unwrap();
    let children: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    runtime().block_on(gate.wait_for(1));
    gate.release();
    let mut tokens: Vec<_> = children
        .into_iter()
        .map(|child| said(&child.wait_with_output().unwrap()).remove(0))
        .collect();
    // One more, when all is over, sends nothing either.
    tokens.extend(said(&start().wait_with_output().unwrap()));
    assert_eq!(tokens.len(), PROCESSES + 1);
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(fleet.sandbox.token_requests(), 1);
    assert_eq!(names(fleet.folder.path()).len(), 2);
}

#[tokio::test]
async fn a_rotated_secret_never_finds_the_token_of_the_old_one() {
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
    // Two records, and their locks.
    assert_eq!(names(fleet.folder.path()).len(), 4);
}

/// Each costs a request, and where a store is of no use its user is told.
#[cfg(unix)]
#[tokio::test]
async fn no_store_however_bad_makes_a_token_unavailable() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    type Spoil = fn(&Path);
    let spoils: [(&str, Spoil, bool); 9] = [
        ("cut", |record| cut(record, |length| length / 2), false),
        ("empty", |record| cut(record, |_| 0), false),
        (
            "foreign",
            |record| fs::write(record, "[tokens]\na = 1\n").unwrap(),
            false,
        ),
        ("altered", alter, false),
        ("too long", |record| cut(record, |_| 2 << 20), true),
        ("world-readable", |record| mode(record, 0o644), true),
        (
            "a folder",
            |record| {
                fs::remove_file(record).unwrap();
                fs::create_dir(record).unwrap();
            },
            true,
        ),
        (
            "a link",
            |record| {
                let target = record.with_extension("target");
                fs::rename(record, &target).unwrap();
                symlink(target, record).unwrap();
            },
            true,
        ),
        (
            "an open folder",
            |record| mode(record.parent().unwrap(), 0o777),
            true,
        ),
    ];
    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    for (name, spoil, fails) in spoils {
        let fleet = Fleet::new().await;
        let (first, _) = fleet.member();
        first.token().await.unwrap();
        spoil(&fleet.record());
        let (tokens, told) = fleet.member();
        tokens.token().await.unwrap();
        assert_eq!(fleet.sandbox.token_requests(), 2, "{name}");
        drop(tokens);
        let events: Vec<_> = told.iter().collect();
        let failed = |event: &Event| matches!(event, Event::StoreFailed { .. });
        assert_eq!(events.iter().any(failed), fails, "{name}: {events:?}");
        // What does no harm is written over, and the next process starts with it.
        if !fails {
            fleet.member().0.token().await.unwrap();
            assert_eq!(fleet.sandbox.token_requests(), 2, "{name}");
        }
    }
}

pub(super) fn cut(record: &Path, to: fn(u64) -> u64) {
    let file = OpenOptions::new().write(true).open(record).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(to(length)).unwrap();
}

pub(super) fn alter(record: &Path) {
    let mut bytes = fs::read(record).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(record, bytes).unwrap();
}
