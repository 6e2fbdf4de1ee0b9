//! Files and folders whose modes a mount has widened, as `fsGroup` of Kubernetes does.

use std::{fs, sync::mpsc, time::Duration};

use genesys_cloud_auth::{Clock, Event, TokenProvider, store::SealingKey};
use tempfile::TempDir;

use super::{
    TokenStore as _, key, load,
    rejected::{StoredRecord, mode},
    save, store, with_sources,
};
use crate::support::{
    assert_contains, credentials,
    files::{names, set_mode},
    good_token, region_of,
    server::Server,
};

const MOUNT: &str = "fsGroupChangePolicy: OnRootMismatch";

/// A service that keeps its token in a folder.
struct Service {
    folder: TempDir,
    server: Server,
    clock: Clock,
}

impl Service {
    async fn started() -> Self {
        let service = Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start(good_token("a-token")),
            clock: Clock::manual(),
        };
        service.start().await;
        service
    }

    /// Starts a process, which needs a token. Returns how many requests it sent, and its events.
    async fn start(&self) -> (usize, Vec<String>) {
        let before = self.server.requests().len();
        let (sender, events) = mpsc::channel();
        let send = move |event: &Event| drop(sender.send(format!("{event:?}")));
        let region = region_of(&self.server, &self.server);
        let builder = TokenProvider::builder(region, credentials()).on_event(send);
        let builder = builder.store(store(self.folder.path()));
        let tokens = builder.clock(self.clock.clone()).build().unwrap();
        tokens.token().await.unwrap();
        drop(tokens);
        let events = events.iter().collect();
        (self.server.requests().len() - before, events)
    }

    /// Widens the folder and what is in it.
    fn mount(&self, file_mode: u32, folder_mode: u32) {
        for name in names(self.folder.path()) {
            set_mode(&self.folder.path().join(name), file_mode);
        }
        set_mode(self.folder.path(), folder_mode);
    }

    fn record(&self) -> std::path::PathBuf {
        let names = names(self.folder.path());
        let name = names.iter().find(|name| !name.contains('.'));
        self.folder.path().join(name.unwrap())
    }
}

fn store_failed(events: &[String]) -> bool {
    events.iter().any(|event| event.contains("StoreFailed"))
}

#[tokio::test]
async fn widened_sealed_record_is_used_and_narrowed() {
    let mounts = [(0o660, 0o2770), (0o660, 0o2775), (0o640, 0o2770)];
    for (file_mode, folder_mode) in mounts.into_iter().chain([(0o666, 0o700), (0o644, 0o755)]) {
        let service = Service::started().await;
        service.mount(file_mode, folder_mode);
        let (requests, events) = service.start().await;
        assert_eq!(requests, 0, "{file_mode:o} {folder_mode:o}: {events:?}");
        assert_eq!(mode(&service.record()), 0o600);
        // A renewal takes the turn, by the widened lock, and saves.
        service.mount(file_mode, folder_mode);
        service.clock.advance(Duration::from_secs(86_400));
        let (requests, events) = service.start().await;
        assert_eq!(requests, 1);
        assert!(!store_failed(&events), "{events:?}");
        for name in names(service.folder.path()) {
            assert_eq!(mode(&service.folder.path().join(&name)), 0o600, "{name}");
        }
        assert_eq!(service.start().await.0, 0);
    }
}

/// What others may have written in a widened record does not open.
#[tokio::test]
async fn widened_record_with_other_content_costs_a_request() {
    let service = Service::started().await;
    let mut bytes = fs::read(service.record()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(service.record(), bytes).unwrap();
    service.mount(0o660, 0o2770);
    assert_eq!(service.start().await.0, 1);
    assert_eq!(service.start().await.0, 0);
}

/// The file has another name, in a place where its mode may be meant.
#[tokio::test]
async fn widened_record_with_a_second_name_is_rejected() {
    let service = Service::started().await;
    let elsewhere = service.folder.path().join("elsewhere");
    fs::hard_link(service.record(), &elsewhere).unwrap();
    set_mode(&elsewhere, 0o660);
    let (requests, events) = service.start().await;
    assert_eq!(requests, 1);
    assert!(store_failed(&events), "{events:?}");
    assert_eq!(mode(&elsewhere), 0o660);
}

#[tokio::test]
async fn unsealed_record_of_a_mount_is_rejected_with_the_cure() {
    for (record_mode, folder_mode) in [(0o660, 0o700), (0o600, 0o2770), (0o660, 0o2770)] {
        let kept = StoredRecord::new().await;
        set_mode(&kept.path(""), record_mode);
        set_mode(kept.folder.path(), folder_mode);
        let read = load(&kept.store).await.unwrap_err();
        let written = save(&kept.store, b"new").await.unwrap_err();
        for error in [read, written] {
            let text = with_sources(&error);
            for part in [MOUNT, "below the mount", kept.path("").to_str().unwrap()] {
                assert_contains(&text, part);
            }
        }
        assert_eq!(fs::read(kept.path("")).unwrap(), b"old");
        assert_eq!(mode(&kept.path("")), record_mode);
    }
}

/// No mount set these modes: an administrator lets a group write, or everybody may.
#[tokio::test]
async fn folder_that_no_mount_has_widened_is_rejected() {
    for folder_mode in [0o770, 0o2772, 0o2777, 0o1777] {
        let service = Service::started().await;
        service.mount(0o600, folder_mode);
        let (requests, events) = service.start().await;
        assert_eq!(requests, 1, "{folder_mode:o}");
        assert!(store_failed(&events), "{events:?}");
        let error = load(&store(service.folder.path())).await.unwrap_err();
        let text = with_sources(&error);
        assert_contains(&text, "gives other users access");
    }
}

#[tokio::test]
async fn leftover_of_a_mount_is_removed() {
    let kept = StoredRecord::new().await;
    fs::write(kept.path(".new"), "half a record").unwrap();
    set_mode(&kept.path(".new"), 0o660);
    kept.store.take_turn(&key(), Duration::ZERO).await.unwrap();
    assert!(!kept.path(".new").exists());
}

#[test]
fn sealing_key_of_a_mount_is_rejected_with_the_cure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    SealingKey::file(&path).unwrap();
    set_mode(folder.path(), 0o2770);
    SealingKey::file(&path).unwrap();
    set_mode(&path, 0o660);
    let error = SealingKey::file(&path).unwrap_err();
    assert_contains(&error, MOUNT);
    assert_contains(&error, path.to_str().unwrap());
    assert_eq!(mode(&path), 0o660);
    // Whoever may write to the folder could put a key there.
    let new = SealingKey::file(folder.path().join("new"));
    assert_contains(new.unwrap_err(), MOUNT);
}
