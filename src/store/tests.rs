//! Records with the keys and the seal of a provider.

use std::{collections::HashSet, fs, path::Path};

use super::*;
use crate::{clock::Clock, seal::SealingKey};

const NOW: Duration = Duration::ZERO;

fn key(sealing: &SealingKey, parts: &[&[u8]]) -> StoreKey {
    StoreKey::new(sealing.name(parts))
}

async fn save_sealed(store: &FileStore, sealing: &SealingKey, parts: &[&[u8]], plain: &[u8]) {
    let key = key(sealing, parts);
    let turn = store.take_turn(&key, NOW).await.unwrap();
    let sealed = Sealed::from_bytes(sealing.seal(parts, plain).unwrap());
    store.save(turn, &key, sealed).await.unwrap();
}

async fn load_opened(store: &FileStore, sealing: &SealingKey, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let record = store.load(&key(sealing, parts)).await.unwrap()?;
    Some(sealing.open(parts, record.as_bytes())?.to_vec())
}

fn file_names(folder: &Path) -> HashSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn names_stay_in_the_folder_and_are_unique() {
    let long = [b'n'; 10_000];
    let plain: [&[u8]; 4] = [b"CON", b"A", b"a", &long];
    let odd: [&[u8]; 5] = [b"../../x", b"/etc/x", b"\0", b"", b"\xff\xfe"];
    let names = [&plain[..], &odd].concat();
    for sealing in [SealingKey::unsealed(), SealingKey::from_bytes([1; 32])] {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/b");
        let store = FileStore::in_folder(&folder);
        for (number, name) in names.iter().enumerate() {
            save_sealed(&store, &sealing, &[name], &[u8::try_from(number).unwrap()]).await;
        }
        for (number, name) in names.iter().enumerate() {
            let plain = load_opened(&store, &sealing, &[name]).await.unwrap();
            assert_eq!(usize::from(plain[0]), number);
        }
        // A record and a lock for each name, and nothing next to the folder.
        let created = file_names(&folder);
        assert_eq!(created.len(), 2 * names.len());
        for file in created {
            let name = file.strip_suffix(".lock").unwrap_or(&file);
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            assert!(name.len() == 43 && name.chars().all(plain), "{file}");
        }
        assert_eq!(file_names(place.path()), HashSet::from(["a".to_owned()]));
        let below = file_names(&place.path().join("a"));
        assert_eq!(below, HashSet::from(["b".to_owned()]));
    }
}

#[tokio::test]
async fn swapped_records_count_as_absent() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::in_folder(folder.path());
    let sealing = SealingKey::from_bytes([1; 32]);
    let (jo, ann): (&[&[u8]], &[&[u8]]) = (&[b"a|b", b"c"], &[b"a", b"b|c"]);
    save_sealed(&store, &sealing, jo, b"jo's").await;
    save_sealed(&store, &sealing, ann, b"ann's").await;
    assert_eq!(load_opened(&store, &sealing, jo).await.unwrap(), b"jo's");
    let path = |parts| folder.path().join(key(&sealing, parts).as_str());
    fs::rename(path(jo), folder.path().join("aside")).unwrap();
    fs::rename(path(ann), path(jo)).unwrap();
    fs::rename(folder.path().join("aside"), path(ann)).unwrap();
    assert_eq!(load_opened(&store, &sealing, jo).await, None);
    assert_eq!(load_opened(&store, &sealing, ann).await, None);
}

#[tokio::test]
async fn shared_store_works_with_any_store() {
    let folder = tempfile::tempdir().unwrap();
    let key = StoreKey::new([7; 32]);
    for store in [
        SharedStore::new(MemoryStore::new()),
        SharedStore::new(FileStore::in_folder(folder.path())),
    ] {
        let turn = store.take_turn(&key, NOW).await.unwrap();
        assert!(store.clone().take_turn(&key, NOW).await.is_err());
        let value = Sealed::from_bytes(b"value".to_vec());
        store.save(turn, &key, value).await.unwrap();
        let loaded = store.load(&key).await.unwrap().unwrap();
        assert_eq!(loaded.as_bytes(), b"value");
        let turn = store.take_turn(&key, NOW).await.unwrap();
        store.remove(turn, &key).await.unwrap();
        assert!(store.load(&key).await.unwrap().is_none());
        // The turn of a store of another kind.
        let other = SharedStore::new(Foreign);
        let turn = other.take_turn(&key, NOW).await.unwrap();
        assert!(store.remove(turn, &key).await.is_err());
    }
}

/// A store with another type of turn.
struct Foreign;

impl TokenStore for Foreign {
    type Turn = ();

    async fn load(&self, _: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        Ok(None)
    }

    async fn take_turn(&self, _: &StoreKey, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn save(&self, (): (), _: &StoreKey, _: Sealed) -> Result<(), StoreError> {
        Ok(())
    }

    async fn remove(&self, (): (), _: &StoreKey) -> Result<(), StoreError> {
        Ok(())
    }
}

#[test]
fn debug_shows_name_and_length() {
    let key = StoreKey::new([0xff; 32]);
    assert_eq!(format!("{key:?}"), format!("StoreKey({})", key.as_str()));
    assert_eq!(key.as_str().len(), 43);
    let sealed = Sealed::from_bytes(b"sentinel".to_vec());
    let shown = format!("{sealed:?}");
    assert_eq!(shown, "Sealed { length: 8, expires_at: None }");
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    assert_eq!(sealed.with_expiry(end).expires_at(), Some(end));
}

/// Fixed values: the next release must find and open what this one wrote.
#[test]
fn names_and_records_of_older_releases_are_found() {
    let parts: &[&[u8]] = &[b"eu-west-1", b"client", b"jo"];
    let sealing = SealingKey::from_bytes([7; 32]);
    let (from_secret, fingerprint) = SealingKey::from_secret(&"secret".into()).unwrap();
    let unsealed = key(&SealingKey::unsealed(), parts);
    let (sealed, by_secret) = (key(&sealing, parts), key(&from_secret, parts));
    for (key, name) in [
        (unsealed, "EXR52GoLBN_kBZaRuzGMj5DR07k3RcpndSTQ4dietoI"),
        (sealed, "-jrWjNTPPc9NKC-NOIMv2ZalDr9RcjQIz1ZTtfg1kCE"),
        (by_secret, "7hAYoYVlEtmCL7q3bntV6O2ErnVPHny3_wAyxQ3q1Qg"),
        (StoreKey::new(fingerprint), FINGERPRINT_NAME),
    ] {
        assert_eq!(key.as_str(), name);
    }
    let record = BASE64_URL_SAFE_NO_PAD
        .decode("AYy3n0ea-1_pTzy_MBdxAkP6no20fpkbShv-ax8IanDOzA")
        .unwrap();
    assert_eq!(**sealing.open(parts, &record).unwrap(), *b"plain");
}

const FINGERPRINT_NAME: &str = "LRJ906gVcOYxmO77y257otcKdlGxH7uGR8vp7_pMDJY";

/// Saves a record that expires so many days from now, or never.
async fn save_until(store: &FileStore, name: &str, days: Option<i64>) {
    let key = StoreKey::for_tests(name);
    let turn = store.take_turn(&key, NOW).await.unwrap();
    let mut value = Sealed::from_bytes(name.into());
    if let Some(days) = days {
        let (by, now) = (
            Duration::from_secs(86_400 * days.unsigned_abs()),
            Clock::system().wall(),
        );
        value = value.with_expiry(if days < 0 { now - by } else { now + by });
    }
    store.save(turn, &key, value).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn expired_records_leave_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::in_folder(folder.path());
    let stays = [
        ("login", None),
        ("token", Some(1)),
        ("ended lately", Some(-6)),
    ];
    for (name, days) in stays {
        save_until(&store, name, days).await;
    }
    for number in 0..20 {
        save_until(&store, &format!("old {number}"), Some(-8)).await;
    }
    save_until(&store, "last", Some(1)).await;
    let expected = ["login", "token", "ended lately", "last"].map(StoreKey::for_tests);
    let expected = expected
        .iter()
        .flat_map(|key| ["", ".lock"].map(|end| format!("{}{end}", key.as_str())));
    assert_eq!(file_names(folder.path()), expected.collect());
}

/// The lock of a record with an end says when it may be removed. That of a record without one does not.
#[tokio::test]
async fn login_in_place_of_a_token_is_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::in_folder(folder.path());
    let key = StoreKey::for_tests("one");
    let lock = folder.path().join(format!("{}.lock", key.as_str()));
    save_until(&store, "one", Some(1)).await;
    assert_eq!(fs::read(&lock).unwrap().len(), 20);
    save_until(&store, "one", None).await;
    assert!(fs::read(&lock).unwrap().is_empty());
    // A text that is not a whole time, such as half of one, says nothing.
    for text in [
        "",
        "0",
        "0000000001",
        "-0000000000000000001",
        "000000000000000000001",
    ] {
        fs::write(&lock, text).unwrap();
        save_until(&store, "other", Some(1)).await;
        assert!(store.load(&key).await.unwrap().is_some(), "{text:?}");
    }
    fs::write(&lock, format!("{:020}", 1)).unwrap();
    save_until(&store, "other", Some(1)).await;
    assert!(store.load(&key).await.unwrap().is_none());
}
