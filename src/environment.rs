//! The one place that reads environment variables and asks the machine where it is.

#[cfg(feature = "login")]
use std::path::Path;
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

/// Why a browser that is opened here would be of no use, if so.
#[cfg(feature = "login")]
pub(crate) fn no_browser() -> Option<&'static str> {
    Machine::look().no_browser()
}

/// What tells where a program runs.
#[cfg(feature = "login")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own"
)]
#[derive(Default)]
struct Machine {
    ssh: bool,
    container: bool,
    wsl: bool,
    /// A display, or a platform on which there always is one.
    display: bool,
    /// `$BROWSER`, which may be one that needs no display.
    browser: bool,
}

#[cfg(feature = "login")]
impl Machine {
    fn look() -> Self {
        let any = |names: &[&str]| names.iter().any(|name| has_variable(name));
        let file = |path| Path::new(path).exists();
        let graphical = cfg!(any(windows, target_os = "macos"));
        Self {
            ssh: any(&["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"]),
            container: file("/.dockerenv")
                || file("/run/.containerenv")
                || any(&["KUBERNETES_SERVICE_HOST"])
                || variable("container").is_some_and(|kind| is_closed(&kind)),
            wsl: any(&["WSL_DISTRO_NAME", "WSL_INTEROP"]),
            display: graphical || any(&["DISPLAY", "WAYLAND_DISPLAY"]),
            browser: has_variable("BROWSER"),
        }
    }

    fn no_browser(&self) -> Option<&'static str> {
        if self.ssh {
            Some(
                "this is an SSH session: a browser where you sit does not come back to this machine",
            )
        } else if self.container {
            Some("this is a container: a browser outside it does not come back to it")
        } else if !self.display && !self.wsl && !self.browser {
            Some("there is no display here that a browser could open on")
        } else {
            None
        }
    }
}

/// A Flatpak opens the desktop's browser, and a WSL distribution that of Windows.
#[cfg(feature = "login")]
fn is_closed(container: &str) -> bool {
    !["flatpak", "wsl"].contains(&container)
}

#[cfg(all(test, feature = "login"))]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_of_use_only_where_it_comes_back() {
        let desktop = || Machine {
            display: true,
            ..Machine::default()
        };
        let told = |machine: Machine| machine.no_browser().unwrap_or("a browser");
        assert_eq!(told(desktop()), "a browser");
        let ssh = Machine {
            ssh: true,
            ..desktop()
        };
        assert!(told(ssh).starts_with("this is an SSH session"));
        let container = Machine {
            container: true,
            ..desktop()
        };
        assert!(told(container).starts_with("this is a container"));
        assert!(told(Machine::default()).starts_with("there is no display"));
        // It opens the browser of Windows.
        let wsl = Machine {
            wsl: true,
            ..Machine::default()
        };
        assert_eq!(told(wsl), "a browser");
        let text_browser = Machine {
            browser: true,
            ..Machine::default()
        };
        assert_eq!(told(text_browser), "a browser");
        assert!(is_closed("docker") && !is_closed("flatpak") && !is_closed("wsl"));
    }
}
