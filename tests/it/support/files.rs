//! What the files of a folder hold.

use std::{fs, path::Path};

use super::sentinels::{Sentinel, find};

/// The names of the files in a folder, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

/// Which sentinel the files of a folder hold, or their names, in which form.
pub fn find_in_files(folder: &Path, sentinels: &[Sentinel]) -> Option<String> {
    names(folder).into_iter().find_map(|name| {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let text = format!("{name}\n{}", String::from_utf8_lossy(&bytes));
        Some(format!("{name}: {}", find(&text, sentinels)?))
    })
}

/// Nothing of the sentinels is in the files of the folder `sealed`, in a search that finds each of
/// them in those of `control`, where the same is kept unsealed.
pub fn assert_sealed(sealed: &Path, control: &Path, sentinels: &[Sentinel]) {
    assert!(!names(sealed).is_empty(), "nothing is kept");
    for sentinel in sentinels {
        let found = find_in_files(control, &[*sentinel]);
        assert!(found.is_some(), "{} is not in the control", sentinel.0);
    }
    let found = find_in_files(sealed, sentinels);
    assert!(found.is_none(), "{}", found.unwrap());
}
