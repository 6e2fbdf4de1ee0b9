//! What the fuzzer found worth keeping.

use std::{fs, path::Path};

use super::*;

#[test]
fn the_fuzzers_corpus_is_read_rightly() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/assertion");
    let (mut files, mut good) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let given = fs::read(entry.unwrap().path()).unwrap();
        fuzzing::assertion(&given);
        files += 1;
        good += usize::from(read(&given.into()).is_ok());
    }
    assert!(files >= 60 && good >= 12, "{good} of {files} files");
}
