//! Reads the elements of an XML document. XML that two readers may read differently is an error.
//!
//! Source: Extensible Markup Language 1.0; Namespaces in XML 1.0.

use std::{borrow::Cow, collections::BTreeSet};

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesDecl, BytesRef, BytesStart, Event, attributes::Attribute},
    name::{NamespaceError, PrefixDeclaration, QName, ResolveResult},
};

use crate::error::XmlFault;

/// A document, read node by node.
pub(super) struct Document<'x> {
    reader: NsReader<&'x [u8]>,
    depth: usize,
    has_root: bool,
}

pub(super) enum Node<'x> {
    Start(StartTag<'x>),
    /// The end of an element, with the position after it.
    End(usize),
}

/// The start tag of an element. All of its attributes were checked.
pub(super) struct StartTag<'x> {
    content: BytesStart<'x>,
    pub(super) namespace: Namespace,
    pub(super) position: usize,
}

/// The namespaces that matter here.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Namespace {
    Assertion,
    Protocol,
    Signature,
    Other,
}

impl<'x> Document<'x> {
    pub(super) fn new(xml: &'x str) -> Result<Self, XmlFault> {
        if !xml.chars().all(is_xml_character) {
            return Err(XmlFault::Malformed);
        }
        let mut reader = NsReader::from_str(xml);
        reader.config_mut().check_comments = true;
        reader.config_mut().expand_empty_elements = true;
        reader
            .resolver_mut()
            .set_max_namespace_bindings(MAX_NAMESPACES_IN_SCOPE);
        Ok(Self {
            reader,
            depth: 0,
            has_root: false,
        })
    }

    /// Reads on to the next start or end of an element; `None` at the end of the document.
    pub(super) fn next_node(&mut self) -> Result<Option<Node<'x>>, XmlFault> {
        loop {
            let position = self.position();
            match self.reader.read_event().map_err(|error| fault(&error))? {
                Event::Start(content) => {
                    return Ok(Some(Node::Start(self.start(content, position)?)));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Node::End(self.position())));
                }
                Event::Text(text) if text.contains("]]>") => return Err(XmlFault::Malformed),
                Event::Text(text) if text.trim_matches(XML_SPACES).is_empty() => {}
                Event::Text(_) | Event::CData(_) => self.check_inside_root()?,
                Event::GeneralRef(reference) => {
                    self.check_inside_root()?;
                    check_reference(&reference)?;
                }
                Event::Decl(_) if position > 0 => return Err(XmlFault::Malformed),
                Event::Decl(declaration) => check_xml_declaration(&declaration)?,
                Event::DocType(_) => return Err(XmlFault::DocumentType),
                // An empty element is read as its start and its end.
                Event::Empty(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof if self.depth == 0 && self.has_root => return Ok(None),
                Event::Eof => return Err(XmlFault::Malformed),
            }
        }
    }

    /// Returns the namespaces that a child of the root inherits, as a start tag declares them.
    pub(super) fn inherited_declarations(&self, child: &StartTag<'_>) -> String {
        let own = |prefix| {
            let mut attributes = child.content.attributes().flatten();
            attributes.any(|attribute| attribute.key.as_namespace_binding() == Some(prefix))
        };
        let declared = self.reader.resolver().bindings_of(1);
        let inherited = declared.filter(|(prefix, _)| !own(*prefix));
        let inherited = inherited.map(|(prefix, uri)| namespace_declaration(prefix, uri.0));
        // In a fixed order.
        inherited.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn start(&mut self, tag: BytesStart<'x>, position: usize) -> Result<StartTag<'x>, XmlFault> {
        if self.depth == 0 && std::mem::replace(&mut self.has_root, true) {
            return Err(XmlFault::Malformed);
        }
        if self.depth >= MAX_DEPTH {
            return Err(XmlFault::TooDeep);
        }
        self.depth += 1;
        check_name(tag.name())?;
        self.check_attributes(&tag)?;
        let (namespace, _) = self.reader.resolver().resolve_element(tag.name());
        Ok(StartTag {
            namespace: Namespace::from_uri(&namespace_uri(&namespace)?),
            content: tag,
            position,
        })
    }

    fn check_attributes(&self, tag: &BytesStart<'_>) -> Result<(), XmlFault> {
        let (mut declared, mut names) = (0, BTreeSet::new());
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| XmlFault::Malformed)?;
            check_name(attribute.key)?;
            let value = value_of(&attribute)?;
            if let Some(prefix) = attribute.key.as_namespace_binding() {
                check_namespace_declaration(prefix, &value)?;
                declared += 1;
            } else {
                let (namespace, local_name) =
                    self.reader.resolver().resolve_attribute(attribute.key);
                let namespace = namespace_uri(&namespace)?.into_owned();
                // The reader compares names with their prefixes, and two prefixes may be bound to
                // one namespace.
                if !names.insert((namespace, local_name.into_inner())) {
                    return Err(XmlFault::Malformed);
                }
            }
            if declared > MAX_DECLARATIONS || names.len() > MAX_ATTRIBUTES {
                return Err(XmlFault::TooWide);
            }
        }
        Ok(())
    }

    fn check_inside_root(&self) -> Result<(), XmlFault> {
        if self.depth == 0 {
            return Err(XmlFault::Malformed);
        }
        Ok(())
    }
}

impl StartTag<'_> {
    pub(super) fn local_name(&self) -> &str {
        self.content.local_name().into_inner()
    }

    /// The length from `<` to the end of the name.
    pub(super) fn name_length(&self) -> usize {
        "<".len() + self.content.name().0.len()
    }

    /// The value of the attribute that has this name and no prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        let attribute = self.content.try_get_attribute(name).ok()??;
        value_of(&attribute).ok()
    }

    pub(super) fn has_attribute(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// The names of the attributes with the prefix `xml`.
    pub(super) fn xml_attributes(&self) -> impl Iterator<Item = &str> {
        let names = self.content.attributes().flatten();
        let names = names.map(|attribute| attribute.key.0);
        names.filter(|name| name.starts_with("xml:"))
    }
}

impl Namespace {
    fn from_uri(uri: &str) -> Self {
        match uri {
            "urn:oasis:names:tc:SAML:2.0:assertion" => Self::Assertion,
            "urn:oasis:names:tc:SAML:2.0:protocol" => Self::Protocol,
            "http://www.w3.org/2000/09/xmldsig#" => Self::Signature,
            _ => Self::Other,
        }
    }
}

fn fault(error: &quick_xml::Error) -> XmlFault {
    match error {
        quick_xml::Error::Namespace(NamespaceError::TooManyBindings(_)) => XmlFault::TooWide,
        _ => XmlFault::Malformed,
    }
}

/// A second colon, or nothing on one side of it, would leave open where the prefix ends.
fn check_name(name: QName<'_>) -> Result<(), XmlFault> {
    match name.0.split_once(':') {
        Some((prefix, local_name))
            if prefix.is_empty() || local_name.is_empty() || local_name.contains(':') =>
        {
            Err(XmlFault::Malformed)
        }
        _ => Ok(()),
    }
}

fn value_of<'t>(attribute: &Attribute<'t>) -> Result<Cow<'t, str>, XmlFault> {
    if attribute.value.contains('<') {
        return Err(XmlFault::Malformed);
    }
    let value = attribute.normalized_value(XmlVersion::Explicit1_0);
    let value = value.map_err(|_| XmlFault::Malformed)?;
    if !value.chars().all(is_xml_character) {
        return Err(XmlFault::Malformed);
    }
    Ok(value)
}

/// The reader compares the URI as it is written, which may be with references to characters.
fn check_namespace_declaration(prefix: PrefixDeclaration<'_>, uri: &str) -> Result<(), XmlFault> {
    let is_xml_prefix = prefix == PrefixDeclaration::Named("xml");
    let undeclares = uri.is_empty() && prefix != PrefixDeclaration::Default;
    if undeclares || uri == XMLNS || is_xml_prefix != (uri == XML) {
        return Err(XmlFault::Malformed);
    }
    Ok(())
}

/// Empty where the name is in no namespace.
fn namespace_uri<'r>(namespace: &ResolveResult<'r>) -> Result<Cow<'r, str>, XmlFault> {
    match namespace {
        ResolveResult::Bound(uri) if uri.0 == XMLNS => Err(XmlFault::Malformed),
        ResolveResult::Bound(uri) => {
            quick_xml::escape::unescape(uri.0).map_err(|_| XmlFault::Malformed)
        }
        ResolveResult::Unbound => Ok(Cow::Borrowed("")),
        ResolveResult::Unknown(_) => Err(XmlFault::Malformed),
    }
}

fn namespace_declaration(prefix: PrefixDeclaration<'_>, uri: &str) -> String {
    let (colon, prefix) = match prefix {
        PrefixDeclaration::Default => ("", ""),
        PrefixDeclaration::Named(prefix) => (":", prefix),
    };
    // The value is as it was written, so it contains one kind of quote at most.
    let quote = if uri.contains('"') { '\'' } else { '"' };
    format!(" xmlns{colon}{prefix}={quote}{uri}{quote}")
}

/// A reference in a text must name a character, or one of the five entities of XML itself.
fn check_reference(reference: &BytesRef<'_>) -> Result<(), XmlFault> {
    let is_known = match reference.resolve_char_ref() {
        Ok(Some(c)) => is_xml_character(c),
        Ok(None) => ["amp", "lt", "gt", "quot", "apos"].contains(&&**reference),
        Err(_) => false,
    };
    if !is_known {
        return Err(XmlFault::Malformed);
    }
    Ok(())
}

fn check_xml_declaration(declaration: &BytesDecl<'_>) -> Result<(), XmlFault> {
    if declaration.version().is_err() {
        return Err(XmlFault::Malformed);
    }
    for attribute in BytesStart::from_content(&**declaration, "xml".len()).attributes() {
        // A name that stands twice is an error here.
        let attribute = attribute.map_err(|_| XmlFault::Malformed)?;
        match (attribute.key.0, &*attribute.value) {
            ("version", "1.0") | ("standalone", _) => {}
            ("encoding", encoding) if encoding.eq_ignore_ascii_case("UTF-8") => {}
            ("encoding", _) => return Err(XmlFault::Encoding),
            _ => return Err(XmlFault::Malformed),
        }
    }
    Ok(())
}

fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

const XML_SPACES: [char; 4] = [' ', '\t', '\r', '\n'];
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

const MAX_DEPTH: usize = 64;
/// Of one element.
const MAX_ATTRIBUTES: usize = 64;
/// Of namespaces, in one element.
const MAX_DECLARATIONS: usize = 64;
const MAX_NAMESPACES_IN_SCOPE: usize = 256;
