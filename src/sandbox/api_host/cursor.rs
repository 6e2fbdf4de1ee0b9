//! Cursors of listings.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Returns a cursor that is opaque and contains characters that a link must escape.
pub(super) fn cursor_at(index: usize) -> String {
    STANDARD.encode(format!("{CURSOR}{index}"))
}

pub(super) fn parse_cursor(text: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    text.strip_prefix(CURSOR)?.parse().ok()
}

const CURSOR: &str = "page>>>?";
