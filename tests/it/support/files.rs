//! Searches the files of a folder, and sets their modes.

use std::{fs, path::Path};

use super::sentinels::{Sentinel, find};

/// The sorted names of the files in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

/// Returns the first sentinel in the files of a folder or in their names, with its form.
pub fn find_in_files(folder: &Path, sentinels: &[Sentinel]) -> Option<String> {
    names(folder).into_iter().find_map(|name| {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let text = format!("{name}\n{}", String::from_utf8_lossy(&bytes));
        Some(format!("{name}: {}", find(&text, sentinels)?))
    })
}

/// Asserts that no sentinel is in the files of the folder `sealed`. The same search must find each
/// of them in `control`, which holds the same records unsealed.
pub fn assert_sealed(sealed: &Path, control: &Path, sentinels: &[Sentinel]) {
    assert!(!names(sealed).is_empty(), "the folder is empty");
    for sentinel in sentinels {
        let found = find_in_files(control, &[*sentinel]);
        assert!(found.is_some(), "{} is not in the control", sentinel.0);
    }
    let found = find_in_files(sealed, sentinels);
    assert!(found.is_none(), "{}", found.unwrap());
}

#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, mode).unwrap();
}
