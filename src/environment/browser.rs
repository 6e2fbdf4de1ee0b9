//! Whether a browser on this machine can complete a login.

use std::path::Path;

use super::{has_variable, variable};

/// Why a browser that is opened here could not complete a login, if so.
pub(crate) fn no_browser() -> Option<&'static str> {
    let file = |path| Path::new(path).exists();
    let container = file("/.dockerenv")
        || file("/run/.containerenv")
        || has_variable("KUBERNETES_SERVICE_HOST")
        || variable("container").is_some_and(|kind| is_closed(&kind));
    why_no_browser(has_variable, container)
}

fn why_no_browser(has: impl Fn(&str) -> bool, container: bool) -> Option<&'static str> {
    let any = |names: &[&str]| names.iter().any(|name| has(name));
    let always_a_display = cfg!(any(windows, target_os = "macos"));
    if any(&["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"]) {
        Some("this is an SSH session, which a browser on your machine cannot reach")
    } else if container {
        Some("this is a container, which a browser outside it cannot reach")
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

/// A Flatpak opens the desktop's browser, and a WSL distribution that of Windows.
fn is_closed(container: &str) -> bool {
    !["flatpak", "wsl"].contains(&container)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_is_opened_only_where_its_redirect_arrives() {
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
        assert!(is_closed("docker") && !is_closed("flatpak") && !is_closed("wsl"));
    }
}
