//! Shows that the search for secrets in files finds them.

use std::{fs, panic::catch_unwind};

use crate::support::{
    files::{assert_sealed, find_in_files},
    sentinels::{Sentinel, forms},
};

const TOKEN: Sentinel = ("the token", "t/+%&~SentinelOfTheToken4711=?");

#[test]
fn secret_planted_in_a_file_or_its_name_is_found() {
    for (form, text) in forms(TOKEN.1) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("record");
        assert!(find_in_files(folder.path(), &[TOKEN]).is_none());
        let record = [b"\xff\0\xc3", text.as_bytes(), b"\xe2\x28"].concat();
        fs::write(&file, record).unwrap();
        assert!(find_in_files(folder.path(), &[TOKEN]).is_some(), "{form}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("of SentinelOfTheToken4711"), "").unwrap();
    assert!(find_in_files(folder.path(), &[TOKEN]).is_some());
}

#[test]
fn search_requires_a_control_with_all_secrets() {
    let [plain, sealed, empty] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    fs::write(plain.path().join("record"), TOKEN.1).unwrap();
    fs::write(sealed.path().join("record"), "\0\u{1}").unwrap();
    assert_sealed(sealed.path(), plain.path(), &[TOKEN]);
    let other = ("the other", "AnotherSentinel");
    for (sealed, control, sentinels) in [
        (plain.path(), plain.path(), &[TOKEN][..]),
        (empty.path(), plain.path(), &[TOKEN]),
        (sealed.path(), sealed.path(), &[TOKEN]),
        (sealed.path(), plain.path(), &[TOKEN, other]),
    ] {
        assert!(catch_unwind(|| assert_sealed(sealed, control, sentinels)).is_err());
    }
}
