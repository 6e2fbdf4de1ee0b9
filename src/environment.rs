//! The one place that reads environment variables.

use std::path::PathBuf;

/// Whether the variable has a value, without a copy of it.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn has_variable(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// The variable's value; none where it is absent, empty, or not Unicode.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The folder in which the platform keeps a user's state, such as logins; none where it is not
/// known.
pub(crate) fn state_folder() -> Option<PathBuf> {
    let named = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        None
    } else {
        variable("XDG_STATE_HOME")
    };
    let home = if cfg!(target_os = "macos") {
        "Library/Application Support"
    } else {
        ".local/state"
    };
    // A relative one is to be ignored (XDG Base Directory Specification).
    named
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(std::env::home_dir()?.join(home)))
        .filter(|folder| folder.is_absolute())
}
