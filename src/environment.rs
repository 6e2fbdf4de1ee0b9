//! The one place that reads environment variables and asks the machine where it is.

#[cfg(feature = "login")]
mod browser;

use std::path::PathBuf;

#[cfg(feature = "login")]
pub(crate) use browser::no_browser;

/// Whether the variable has a value that is not empty. Makes no copy of it.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn has_variable(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// The variable's value. `None` if it is absent, empty or not Unicode.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variable's value. `None` if it is absent or empty.
///
/// # Errors
/// What is wrong with a value that is not Unicode.
pub(crate) fn text(name: &str) -> Result<Option<String>, String> {
    match variable(name) {
        None if has_variable(name) => Err(format!(
            "the variable {name} is not valid Unicode; write its value in UTF-8"
        )),
        text => Ok(text),
    }
}

/// The folder of this crate in the user's state folder.
///
/// # Errors
/// Why it is not known.
pub(crate) fn own_state_folder() -> Result<PathBuf, &'static str> {
    let state = state_folder().ok_or(
        "the user's state folder is not known; set HOME or XDG_STATE_HOME (on Windows LOCALAPPDATA)",
    )?;
    Ok(state.join("genesys-cloud-auth"))
}

/// The user's home folder, if it is known.
pub(crate) fn home_folder() -> Option<PathBuf> {
    std::env::home_dir().filter(|folder| folder.is_absolute())
}

/// The platform's folder for a user's state, such as logins, if it is known.
fn state_folder() -> Option<PathBuf> {
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
    // A relative path is ignored (XDG Base Directory Specification).
    named
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(home_folder()?.join(home)))
        .filter(|folder| folder.is_absolute())
}
