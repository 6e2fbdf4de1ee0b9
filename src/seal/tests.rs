use std::collections::HashSet;

use super::*;

const PLAIN: &[u8] = b"the token in plain text";

fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes([byte; KEY_LEN])
}

fn opens(key: &SealingKey, associated: &[&[u8]], sealed: &[u8]) -> bool {
    key.open(associated, sealed)
        .is_some_and(|plain| **plain == *PLAIN)
}

#[test]
fn sealed_bytes_open_and_show_no_plain_text() {
    for key in [
        SealingKey::generate().unwrap(),
        key(1),
        SealingKey::from_secret(&"secret".into()).unwrap().0,
    ] {
        let sealed = key.seal(&[b"a", b"b"], PLAIN).unwrap();
        assert!(opens(&key, &[b"a", b"b"], &sealed));
        assert!(
            !sealed
                .windows(4)
                .any(|part| PLAIN.windows(4).any(|p| p == part))
        );
        // Each record has a nonce of its own.
        assert_ne!(sealed, key.seal(&[b"a", b"b"], PLAIN).unwrap());
    }
    let empty = key(1).seal(&[], b"").unwrap();
    assert_eq!(key(1).open(&[], &empty).unwrap().len(), 0);
}

#[test]
fn flipped_bit_or_cut_counts_as_absent() {
    let sealed = key(1).seal(&[b"a"], PLAIN).unwrap();
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut altered = sealed.clone();
            altered[at] ^= 1 << bit;
            assert!(key(1).open(&[b"a"], &altered).is_none(), "{at} {bit}");
        }
        assert!(key(1).open(&[b"a"], &sealed[..at]).is_none(), "cut to {at}");
    }
    let longer = [&sealed[..], b"x"].concat();
    assert!(key(1).open(&[b"a"], &longer).is_none());
    assert!(opens(&key(1), &[b"a"], &sealed));
}

#[test]
fn record_opens_only_with_its_own_parts() {
    let key = key(1);
    let sealed = key.seal(&[b"a|b", b"c"], PLAIN).unwrap();
    assert!(opens(&key, &[b"a|b", b"c"], &sealed));
    let elsewhere: [&[&[u8]]; 6] = [
        &[b"a", b"b|c"],
        &[b"a|b|c"],
        &[b"a|b", b"c", b""],
        &[b"", b"a|b", b"c"],
        &[b"c", b"a|b"],
        &[],
    ];
    for associated in elsewhere {
        assert!(key.open(associated, &sealed).is_none(), "{associated:?}");
    }
}

#[test]
fn wrong_or_missing_key_opens_nothing() {
    let sealed = key(1).seal(&[], PLAIN).unwrap();
    let plain = SealingKey::unsealed().seal(&[], PLAIN).unwrap();
    assert!(plain.ends_with(PLAIN));
    assert!(opens(&SealingKey::unsealed(), &[], &plain));
    assert!(key(2).open(&[], &sealed).is_none());
    assert!(key(1).open(&[], &plain).is_none());
    assert!(SealingKey::unsealed().open(&[], &sealed).is_none());
    assert!(SealingKey::unsealed().open(&[], &[]).is_none());
    let renewed = key(2).also_reads(key(1));
    assert!(renewed.open(&[], &sealed).is_none());
    assert!(renewed.older().any(|older| opens(older, &[], &sealed)));
}

#[test]
fn older_keys_keep_order_and_omit_unsealed_ones() {
    let keys = key(3)
        .also_reads(key(2).also_reads(key(1)))
        .also_reads(SealingKey::unsealed());
    let older: Vec<_> = keys.older().map(|key| key.name(&[])).collect();
    assert_eq!(older, [key(2).name(&[]), key(1).name(&[])]);
    assert!(keys.older().all(|key| key.older().next().is_none()));
    let unsealed = SealingKey::unsealed().also_reads(key(1));
    assert_eq!(unsealed.older().count(), 0);
    let sealed = keys.seal(&[], PLAIN).unwrap();
    assert!(opens(&key(3), &[], &sealed));
}

#[test]
fn key_that_is_given_again_is_ignored() {
    let keys = key(3).also_reads(key(2)).also_reads(key(3));
    let keys = keys.also_reads(key(2).also_reads(key(3).also_reads(key(1))));
    let older: Vec<_> = keys.older().map(|key| key.name(&[])).collect();
    assert_eq!(older, [key(2).name(&[]), key(1).name(&[])]);
}

#[test]
fn names_differ_by_parts_and_keys() {
    let long = [b'x'; 10_000];
    let parts: [&[&[u8]]; 10] = [
        &[b"a|b", b"c"],
        &[b"a", b"b|c"],
        &[b"a|b|c"],
        &[b"a", b"b", b"c"],
        &[b"A", b"b", b"c"],
        &[b"../../x"],
        &[b"\0"],
        &[b""],
        &[],
        &[&long],
    ];
    let keys = [key(1), key(2), SealingKey::unsealed()];
    let names: HashSet<_> = keys
        .iter()
        .flat_map(|key| parts.map(|parts| key.name(parts)))
        .collect();
    assert_eq!(names.len(), keys.len() * parts.len());
    assert_eq!(key(1).name(parts[0]), key(1).name(parts[0]));
}

#[test]
fn secret_gives_key_and_separate_fingerprint() {
    let derive = |secret: &str| SealingKey::from_secret(&secret.into()).unwrap();
    let (key, fingerprint) = derive("secret");
    let (other, other_fingerprint) = derive("secrets");
    assert_eq!(fingerprint, derive("secret").1);
    assert_ne!(fingerprint, other_fingerprint);
    let bytes = key.secret_bytes().unwrap();
    assert_ne!(*bytes.expose_secret(), fingerprint);
    assert_ne!(
        bytes.expose_secret(),
        other.secret_bytes().unwrap().expose_secret()
    );
    let sealed = key.seal(&[], PLAIN).unwrap();
    assert!(opens(&derive("secret").0, &[], &sealed));
    assert!(other.open(&[], &sealed).is_none());
}

#[test]
fn secret_bytes_restore_the_key() {
    let new = SealingKey::generate().unwrap();
    let bytes = *new.secret_bytes().unwrap().expose_secret();
    let sealed = new.seal(&[], PLAIN).unwrap();
    assert!(opens(&SealingKey::from_bytes(bytes), &[], &sealed));
    assert!(SealingKey::generate().unwrap().open(&[], &sealed).is_none());
    assert!(SealingKey::unsealed().secret_bytes().is_none());
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}{:?}", key(77), SealingKey::unsealed());
    assert_eq!(shown, "SealingKey([redacted])SealingKey(unsealed)");
}
