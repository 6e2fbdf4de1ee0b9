//! The inputs that the fuzzer kept.

use std::{fs, path::Path};

use super::*;

#[test]
fn the_fuzz_corpus_passes_its_checks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/assertion");
    let (mut files, mut valid) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let given = fs::read(entry.unwrap().path()).unwrap();
        fuzzing::assertion(&given);
        files += 1;
        valid += usize::from(ParsedAssertion::parse(&given.into()).is_ok());
    }
    assert!(files >= 60, "{files} files");
    assert!(valid >= 12, "{valid} valid files");
}
