//! The fuzzer's corpus.

use std::{fs, path::Path};

use super::*;

#[test]
fn every_file_of_the_fuzz_corpus_matches_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/callback");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        fuzzing::callback(&fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 24, "{files} files");
}
