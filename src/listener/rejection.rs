//! What came instead of the right request.

use std::fmt;

/// Why a connection did not end the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    State,
    Answer,
    Again,
    Path,
    Host,
    Method,
    Prefetch,
    Garbage,
    TooLarge,
    TooSlow,
    Incomplete,
    Crowded,
}

impl Reason {
    pub(super) const ALL: [Self; 12] = [
        Self::State,
        Self::Answer,
        Self::Again,
        Self::Path,
        Self::Host,
        Self::Method,
        Self::Prefetch,
        Self::Garbage,
        Self::TooLarge,
        Self::TooSlow,
        Self::Incomplete,
        Self::Crowded,
    ];

    /// Goes on from "3 requests" or "1 request".
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::State => "had another state: an older login's tab may still be open",
            Self::Answer => "had the right state, but not exactly one code or error",
            Self::Again => "brought the answer a second time",
            Self::Path => "asked for another path than the redirect URI's",
            Self::Host => "named another host than the redirect URI's",
            Self::Method => "had another method than GET",
            Self::Prefetch => "came from a browser's prefetch, not from its user",
            Self::Garbage => "made no sense: something else than a browser, or https for http",
            Self::TooLarge => "had too large a head",
            Self::TooSlow => "took too long or said nothing",
            Self::Incomplete => "broke off",
            Self::Crowded => "gave way to newer ones: too many came at once",
        }
    }

    /// The status line's end, and what a person reads there.
    pub(super) fn answer(self) -> (&'static str, &'static str) {
        match self {
            Self::State => (
                "400 Bad Request",
                "This answer belongs to another login. You can close this tab.",
            ),
            Self::Answer => ("400 Bad Request", "This is not an answer to a login."),
            Self::Again => (
                "409 Conflict",
                "This login has its answer already. You can close this tab.",
            ),
            Self::Path => ("404 Not Found", "There is nothing here."),
            Self::Host => ("421 Misdirected Request", "There is no such host here."),
            // An answer to HEAD has no body.
            Self::Method => ("405 Method Not Allowed", ""),
            Self::Prefetch => (
                "503 Service Unavailable",
                "Nothing is served ahead of time.",
            ),
            Self::TooLarge => (
                "431 Request Header Fields Too Large",
                "The request is too large.",
            ),
            Self::Garbage | Self::TooSlow | Self::Incomplete | Self::Crowded => {
                ("400 Bad Request", "This is not a request of HTTP/1.1.")
            }
        }
    }
}

/// How many requests came instead of the right one, and why they were not it.
#[derive(Clone, Debug, Default)]
pub(crate) struct TurnedAway([u32; Reason::ALL.len()]);

impl TurnedAway {
    /// How many requests were turned away for it.
    pub(super) fn of(&self, reason: Reason) -> u32 {
        self.0.get(reason as usize).copied().unwrap_or_default()
    }

    pub(super) fn count(&mut self, reason: Reason) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count = count.saturating_add(1);
        }
    }
}

/// Such as "3 requests had another state: …; 1 request asked for another path …".
impl fmt::Display for TurnedAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut mark = "";
        for reason in Reason::ALL {
            let count = self.of(reason);
            if count == 0 {
                continue;
            }
            let requests = if count == 1 { "request" } else { "requests" };
            write!(f, "{mark}{count} {requests} {}", reason.as_str())?;
            mark = "; ";
        }
        if mark.is_empty() {
            f.write_str("no request came")?;
        }
        Ok(())
    }
}
