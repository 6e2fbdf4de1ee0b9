//! Collects the head of a request. Of a long header only the start is kept: browsers send the cookies
//! of every program on `localhost` (RFC 6265 8.5), and no header that matters here is long.

use zeroize::Zeroizing;

/// The head as far as it has arrived.
pub(super) struct Head {
    /// Never grows, so that no copy of the code is left behind.
    kept: Zeroizing<Vec<u8>>,
    /// The start of the current line in `kept`.
    line: usize,
    line_is_cut: bool,
    has_request_line: bool,
    /// The number of bytes that arrived.
    arrived: usize,
}

impl Head {
    pub(super) fn new() -> Self {
        Self {
            kept: Zeroizing::new(Vec::with_capacity(MAX_HEAD_BYTES)),
            line: 0,
            line_is_cut: false,
            has_request_line: false,
            arrived: 0,
        }
    }

    /// Adds the bytes that arrived. Returns whether any of them was kept.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let before = self.kept.len();
        self.arrived = self.arrived.saturating_add(bytes.len());
        for &byte in bytes {
            let length = self.kept.len() - self.line;
            if byte == b'\n' {
                self.end_line(length);
            } else if self.has_request_line && length >= MAX_HEADER_BYTES {
                self.line_is_cut = true;
            } else {
                self.keep(&[byte]);
            }
        }
        self.kept.len() > before
    }

    fn end_line(&mut self, length: usize) {
        // What was cut off might have been more than spaces.
        self.keep(if self.line_is_cut { b"~\r\n" } else { b"\n" });
        // Empty lines may precede the request line (RFC 9112 2.2).
        self.has_request_line |= length > 1;
        self.line_is_cut = false;
        self.line = self.kept.len();
    }

    fn keep(&mut self, bytes: &[u8]) {
        let free = MAX_HEAD_BYTES - self.kept.len();
        self.kept
            .extend_from_slice(bytes.get(..free).unwrap_or(bytes));
    }

    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Whether more has arrived than a browser sends.
    pub(super) fn is_too_large(&self) -> bool {
        self.arrived > MAX_ARRIVED_BYTES
    }
}

/// The maximum that is kept of a connection. A body is never read.
pub(super) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// What is kept of one header.
pub(super) const MAX_HEADER_BYTES: usize = 256;

/// The maximum that is read: more than the 180 cookies of 4 KiB that a browser keeps for one host.
pub(super) const MAX_ARRIVED_BYTES: usize = 768 * 1024;
