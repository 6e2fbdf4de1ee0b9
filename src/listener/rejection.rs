//! Requests that are not the expected callback.

use std::fmt;

/// Why a connection did not end the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    State,
    Parameters,
    Repeated,
    Path,
    Host,
    Method,
    Prefetch,
    Malformed,
    TooLarge,
    TooManyHeaders,
    LongTarget,
    TooSlow,
    Incomplete,
    Displaced,
}

impl Rejection {
    pub(super) const ALL: [Self; 14] = [
        Self::State,
        Self::Parameters,
        Self::Repeated,
        Self::Path,
        Self::Host,
        Self::Method,
        Self::Prefetch,
        Self::Malformed,
        Self::TooLarge,
        Self::TooManyHeaders,
        Self::LongTarget,
        Self::TooSlow,
        Self::Incomplete,
        Self::Displaced,
    ];

    /// The end of a sentence that starts with "3 requests" or "1 request".
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::State => "had another state: an older login's tab may still be open",
            Self::Parameters => "had the expected state, but not exactly one code or error",
            Self::Repeated => "repeated the callback",
            Self::Path => "had another path than the redirect URI",
            Self::Host => "had another host than the redirect URI",
            Self::Method => "had another method than GET",
            Self::Prefetch => "came from a browser's prefetch",
            Self::Malformed => "did not use HTTP/1.1: not a browser, or https in place of http",
            Self::TooLarge => "had too large a head: other programs set many cookies for localhost",
            Self::TooManyHeaders => {
                "had more than 64 header lines: see which proxy or browser extension adds them"
            }
            Self::LongTarget => "had an address of more than 16 KiB",
            Self::TooSlow => "took too long or sent nothing",
            Self::Incomplete => "broke off",
            Self::Displaced => "made room for a newer one: too many were open at once",
        }
    }

    /// The status of the response and the sentence in its body; `None` where no client waits for a
    /// response, or a page is shown.
    pub(super) fn response(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::State => (
                "400 Bad Request",
                "This page belongs to another login. You can close this tab.",
            ),
            Self::Parameters => ("400 Bad Request", "This is not the end of a login."),
            Self::Repeated => (
                "409 Conflict",
                "This login has already come back. You can close this tab.",
            ),
            Self::Path => ("404 Not Found", "There is nothing here."),
            Self::Host => ("421 Misdirected Request", "There is no such host here."),
            // A response to HEAD has no body.
            Self::Method => ("405 Method Not Allowed", ""),
            Self::Prefetch => ("503 Service Unavailable", "This page is not prefetched."),
            Self::Malformed => ("400 Bad Request", "This is not an HTTP/1.1 request."),
            Self::TooManyHeaders => (
                "431 Request Header Fields Too Large",
                "This request has more than 64 header lines: see which proxy or browser extension \
                 adds them.",
            ),
            Self::LongTarget => (
                "414 URI Too Long",
                "The address of this page has more than 16 KiB.",
            ),
            Self::TooLarge | Self::TooSlow | Self::Incomplete | Self::Displaced => return None,
        })
    }

    /// Whether the client may still be sending.
    pub(super) fn leaves_bytes_unread(self) -> bool {
        matches!(
            self,
            Self::TooLarge | Self::TooManyHeaders | Self::LongTarget
        )
    }
}

/// How many requests were rejected, and why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rejections([u32; Rejection::ALL.len()]);

impl Rejections {
    pub(super) fn count_of(&self, rejection: Rejection) -> u32 {
        self.0.get(rejection as usize).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, rejection: Rejection) {
        if let Some(count) = self.0.get_mut(rejection as usize) {
            *count = count.saturating_add(1);
        }
    }
}

/// For example "3 requests had another state: …; 1 request had another path …".
impl fmt::Display for Rejections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for rejection in Rejection::ALL {
            let count = self.count_of(rejection);
            if count == 0 {
                continue;
            }
            let requests = if count == 1 { "request" } else { "requests" };
            write!(f, "{separator}{count} {requests} {}", rejection.as_str())?;
            separator = "; ";
        }
        if separator.is_empty() {
            f.write_str("no request came")?;
        }
        Ok(())
    }
}
