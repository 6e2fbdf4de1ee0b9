//! Takes an address out of the text that it was copied with (RFC 3986, appendix C).
//!
//! Only whitespace, invisible characters and delimiters are removed. None of them is a part of a URL,
//! except the punctuation that [`delimited`] removes in pairs or at the end. Where the address is still
//! wrong, [`unescaped`] undoes what shells and pages write in place of its characters.

use zeroize::Zeroizing;

/// Returns the text without whitespace, and without what cannot belong to a URL at the start and the
/// end of each line: quotes, angle brackets, the marks of a quotation, the frame of a window.
pub(super) fn joined(text: &str) -> Zeroizing<String> {
    // The buffer never grows, so that no copy of the code is left in memory.
    let mut joined = Zeroizing::new(String::with_capacity(text.len()));
    let text = text.strip_prefix(PASTE_START).unwrap_or(text);
    let mut lines = text.split(['\n', '\r']).peekable();
    while let Some(line) = lines.next() {
        let line = line.trim().trim_end_matches(PASTE_END);
        // Shells continue a line after a backslash.
        let line = if lines.peek().is_some() {
            line.trim_end_matches('\\')
        } else {
            line
        };
        let line = line.trim_matches(is_no_part_of_a_url);
        let line = line.strip_prefix("| ").unwrap_or(line);
        let line = line.strip_suffix(" |").unwrap_or(line);
        joined.extend(line.chars().filter(|c| !is_invisible(*c)));
    }
    joined
}

/// Returns the address within delimiters that a URL may contain: `URL:`, brackets, quotes, a Markdown
/// link, the end of a sentence. A text without any is returned as it is.
pub(super) fn delimited(text: &str) -> &str {
    let mut inner = text.trim_matches(is_no_part_of_a_url);
    loop {
        let before = inner;
        if let Some((prefix, rest)) = inner.split_at_checked(4)
            && prefix.eq_ignore_ascii_case("url:")
        {
            inner = rest;
        }
        if inner.starts_with('[')
            && let Some((_, target)) = inner.rsplit_once("](")
        {
            inner = target;
        }
        inner = inner
            .trim_start_matches(OPENING)
            .trim_end_matches(CLOSING)
            .trim_matches(is_no_part_of_a_url);
        if inner.len() == before.len() {
            return inner;
        }
    }
}

/// Returns the address with the ampersands of a page's source, without the backslashes of a shell or of
/// JSON, and without what precedes its scheme, such as `Location:`, `href=` or the number of a list.
pub(super) fn unescaped(text: &str) -> Zeroizing<String> {
    let schemes = ["https://", "http://"];
    let start = schemes.iter().filter_map(|scheme| text.find(scheme)).min();
    let mut rest = start.and_then(|at| text.get(at..)).unwrap_or(text);
    let mut unescaped = Zeroizing::new(String::with_capacity(rest.len()));
    loop {
        let mut ampersands = AMPERSANDS.iter();
        if let Some(after) = ampersands.find_map(|escape| rest.strip_prefix(escape)) {
            unescaped.push('&');
            rest = after;
            continue;
        }
        let mut chars = rest.chars();
        match chars.next() {
            Some('\\') => {}
            Some(c) => unescaped.push(c),
            None => return unescaped,
        }
        rest = chars.as_str();
    }
}

/// Whether a URL never contains the character, so that it can only delimit one.
fn is_no_part_of_a_url(c: char) -> bool {
    is_invisible(c)
        || matches!(c, '<' | '>' | '"' | '«' | '»' | '·')
        // Quotes, bullets and dashes; frames; Chinese and Japanese punctuation, also in full width.
        || matches!(c, '\u{2010}'..='\u{205f}' | '\u{2500}'..='\u{259f}' | '\u{3000}'..='\u{303f}')
        || matches!(c, '\u{ff01}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

/// Whether nobody sees the character: whitespace, and what has no width.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

const OPENING: [char; 13] = [
    '(', '[', '{', '\'', '`', '´', '*', '_', '~', '-', '#', '$', ':',
];
const CLOSING: [char; 16] = [
    ')', ']', '}', '\'', '`', '´', '*', '_', '~', '.', ',', ';', ':', '!', '?', '\\',
];
/// How HTML and JSON write an ampersand.
const AMPERSANDS: [&str; 4] = ["&amp;", "&#38;", "&#x26;", "\\u0026"];

/// What a terminal puts around a text that is pasted.
const PASTE_START: &str = "\u{1b}[200~";
const PASTE_END: &str = "\u{1b}[201~";
