//! What the fuzzer found worth keeping.

use std::{fs, path::Path};

use super::*;

#[test]
fn the_fuzzers_corpus_is_judged_rightly() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/callback");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        fuzzing::callback(&fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 24, "{files} files");
}
