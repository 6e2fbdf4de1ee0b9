//! A start tag, taken apart.

use std::{borrow::Cow, collections::BTreeMap};

use quick_xml::{escape::unescape, events::BytesStart};

use super::{Namespace, Namespaces};
use crate::error::XmlFault;

/// A start tag, all of which was checked.
pub(super) struct Tag<'t> {
    pub(super) name: &'t str,
    pub(super) namespace: Namespace,
    pub(super) local: &'t str,
    /// The attributes without a prefix.
    attributes: BTreeMap<&'t str, Cow<'t, str>>,
    /// The declarations of namespaces: names, and values as they are written.
    pub(super) declared: BTreeMap<&'t str, &'t str>,
    /// The `xml:` attributes.
    pub(super) xml: Vec<&'t str>,
}

impl<'t> Tag<'t> {
    /// Reads the tag of the element at `depth`, and binds what it declares.
    pub(super) fn read(
        start: &'t BytesStart<'_>,
        depth: usize,
        namespaces: &mut Namespaces,
    ) -> Result<Self, XmlFault> {
        let name = start.name().0;
        let (prefix, local) = split(name)?;
        let mut tag = Self {
            name,
            namespace: Namespace::Other,
            local,
            attributes: BTreeMap::new(),
            declared: BTreeMap::new(),
            xml: Vec::new(),
        };
        if !is_spaced(start.attributes_raw()) {
            return Err(XmlFault::Malformed);
        }
        let mut prefixes = vec![prefix];
        let mut attributes = 0;
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| XmlFault::Malformed)?;
            let (Cow::Borrowed(raw), name) = (attribute.value, attribute.key.0) else {
                return Err(XmlFault::Malformed);
            };
            let value = unescaped(raw)?;
            let (prefix, local) = split(name)?;
            if prefix == "xmlns" || name == "xmlns" {
                let bound = if prefix.is_empty() { "" } else { local };
                namespaces.bind(depth, bound, &value)?;
                tag.declared.insert(name, raw);
            } else {
                attributes += 1;
                match prefix {
                    "" => _ = tag.attributes.insert(local, value),
                    "xml" => tag.xml.push(name),
                    prefix => prefixes.push(prefix),
                }
            }
            if tag.declared.len() > MOST_WIDE || attributes > MOST_WIDE {
                return Err(XmlFault::TooWide);
            }
        }
        // Only now is all bound that the tag declares.
        for used in prefixes.iter().rev() {
            tag.namespace = namespaces.of(used)?;
        }
        Ok(tag)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(|value| &**value)
    }
}

/// A name's prefix, which may be empty, and the rest (Namespaces in XML 1.0, section 4).
fn split(name: &str) -> Result<(&str, &str), XmlFault> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    if is_name(local) && (is_name(prefix) || prefix.len() + local.len() == name.len()) {
        return Ok((prefix, local));
    }
    Err(XmlFault::Malformed)
}

/// Whether there is a space behind each value, unless nothing more comes.
fn is_spaced(attributes: &str) -> bool {
    let mut open = None;
    let mut ended = false;
    attributes.chars().all(|c| {
        let follows = std::mem::replace(&mut ended, open == Some(c));
        match open {
            Some(quote) if c == quote => open = None,
            None if c == '"' || c == '\'' => open = Some(c),
            _ => {}
        }
        !follows || c.is_ascii_whitespace()
    })
}

/// The value of an attribute, with the entities that XML has of itself put in.
fn unescaped(raw: &str) -> Result<Cow<'_, str>, XmlFault> {
    if raw.contains('<') {
        return Err(XmlFault::Malformed);
    }
    let value = unescape(raw).map_err(|_| XmlFault::Malformed)?;
    if value.chars().all(is_character) {
        return Ok(value);
    }
    Err(XmlFault::Malformed)
}

/// Whether this is a name without a colon.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    let begins = |c: char| {
        matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}'
            | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
            | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
            | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
            | '\u{10000}'..='\u{effff}')
    };
    let goes_on = |c: char| {
        matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}'
            | '\u{203f}'..='\u{2040}')
    };
    chars.next().is_some_and(begins) && chars.all(|c| begins(c) || goes_on(c))
}

/// Whether XML may hold this character, written as it is or by its number.
pub(super) fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

const MOST_WIDE: usize = 64;
