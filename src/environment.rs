//! The one place that reads environment variables and asks the machine questions.

#[cfg(feature = "login")]
use std::path::Path;
use std::path::PathBuf;

/// Whether the variable has a value. The value is not copied.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn has_variable(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Returns the variable's value, or `None` if it is absent, empty or not Unicode.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the folder in which the platform keeps a user's state, such as logins, if it is known.
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
    // Relative paths are ignored (XDG Base Directory Specification).
    named
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(std::env::home_dir()?.join(home)))
        .filter(|folder| folder.is_absolute())
}

/// Returns why a browser that is opened here cannot complete a login, if so.
#[cfg(feature = "login")]
pub(crate) fn no_browser() -> Option<&'static str> {
    let file = |path| Path::new(path).exists();
    let container = file("/.dockerenv")
        || file("/run/.containerenv")
        || has_variable("KUBERNETES_SERVICE_HOST")
        || variable("container").is_some_and(|kind| is_isolated(&kind));
    why_no_browser(has_variable, container)
}

#[cfg(feature = "login")]
fn why_no_browser(has: impl Fn(&str) -> bool, container: bool) -> Option<&'static str> {
    let any = |names: &[&str]| names.iter().any(|name| has(name));
    let always_a_display = cfg!(any(windows, target_os = "macos"));
    if any(&["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"]) {
        Some("this is an SSH session: a browser on your machine cannot reach this one")
    } else if container {
        Some("this is a container: a browser outside it cannot reach it")
    } else if always_a_display
        || any(&["DISPLAY", "WAYLAND_DISPLAY"])
        // WSL opens the browser of Windows.
        || any(&["WSL_DISTRO_NAME", "WSL_INTEROP"])
        // A browser that is named may need no display.
        || has("BROWSER")
    {
        None
    } else {
        Some("there is no display on which a browser could open")
    }
}

/// Whether a browser cannot leave the container. Flatpak opens the desktop's browser, WSL that of Windows.
#[cfg(feature = "login")]
fn is_isolated(container: &str) -> bool {
    !["flatpak", "wsl"].contains(&container)
}

#[cfg(all(test, feature = "login"))]
mod tests {
    use super::*;

    #[test]
    fn browser_opens_only_where_it_can_return() {
        let reason = |set: &[&str], container| {
            let why = why_no_browser(|name| set.contains(&name), container);
            why.unwrap_or("a browser")
        };
        for (set, start) in [
            (&["DISPLAY"][..], "a browser"),
            (&["WAYLAND_DISPLAY"], "a browser"),
            (&["WSL_DISTRO_NAME"], "a browser"),
            (&["WSL_INTEROP"], "a browser"),
            (&["BROWSER"], "a browser"),
            (&["DISPLAY", "SSH_CONNECTION"], "this is an SSH session"),
            (&["BROWSER", "SSH_TTY"], "this is an SSH session"),
            (&["WSL_INTEROP", "SSH_CLIENT"], "this is an SSH session"),
        ] {
            assert!(reason(set, false).starts_with(start), "{set:?}");
        }
        assert!(reason(&["DISPLAY"], true).starts_with("this is a container"));
        if cfg!(target_os = "linux") {
            assert!(reason(&[], false).starts_with("there is no display"));
        }
        assert!(is_isolated("docker") && !is_isolated("flatpak") && !is_isolated("wsl"));
    }
}
