//! XML documents as trees. The client has its own parser.

use quick_xml::{
    NsReader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
    name::ResolveResult,
};

/// An element. Its text is what is directly in it, without comments.
pub(super) struct Element {
    namespace: String,
    name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    children: Vec<Self>,
}

impl Element {
    /// Returns the root of a document, or `None` if it is not XML, has a DTD, or is deeper than
    /// [`MAX_DEPTH`].
    pub(super) fn parse(document: &str) -> Option<Self> {
        let mut reader = NsReader::from_str(document);
        // The first element is the document.
        let mut open = vec![Self::new(String::new(), String::new())];
        loop {
            let (namespace, event) = reader.read_resolved_event().ok()?;
            let namespace = match namespace {
                ResolveResult::Bound(namespace) => namespace.0.to_owned(),
                ResolveResult::Unbound => String::new(),
                ResolveResult::Unknown(_) => return None,
            };
            let is_too_deep = open.len() > MAX_DEPTH;
            let last = open.last_mut()?;
            match event {
                Event::Start(start) if !is_too_deep => {
                    open.push(Self::from_start(namespace, &start)?);
                }
                Event::Empty(start) => last.children.push(Self::from_start(namespace, &start)?),
                Event::End(_) => {
                    let closed = open.pop()?;
                    open.last_mut()?.children.push(closed);
                }
                Event::Text(text) => last.text += &text.xml10_content(),
                Event::CData(text) => last.text += &text.xml10_content(),
                Event::GeneralRef(reference) => last.text += &resolve_reference(&reference)?,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Start(_) | Event::DocType(_) => return None,
                Event::Eof => break,
            }
        }
        let mut document = open.pop().filter(|_| open.is_empty())?;
        let root = document.children.pop()?;
        let has_one_root = document.children.is_empty() && document.text.trim().is_empty();
        has_one_root.then_some(root)
    }

    pub(super) fn has_name(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    /// Returns the children with this name.
    pub(super) fn children(&self, namespace: &str, name: &str) -> Vec<&Self> {
        let children = self.children.iter();
        children
            .filter(|child| child.has_name(namespace, name))
            .collect()
    }

    /// Returns the child with this name, if there is exactly one.
    pub(super) fn only_child(&self, namespace: &str, name: &str) -> Option<&Self> {
        match self.children(namespace, name)[..] {
            [child] => Some(child),
            _ => None,
        }
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(known, _)| known == name)?;
        Some(value)
    }

    fn new(namespace: String, name: String) -> Self {
        Self {
            namespace,
            name,
            attributes: Vec::new(),
            text: String::new(),
            children: Vec::new(),
        }
    }

    fn from_start(namespace: String, start: &BytesStart<'_>) -> Option<Self> {
        let mut element = Self::new(namespace, start.local_name().as_ref().to_owned());
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            let name = attribute.key.as_ref().to_owned();
            element.attributes.push((name, value.into_owned()));
        }
        Some(element)
    }
}

fn resolve_reference(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => Some(character.into()),
        None => resolve_predefined_entity(reference).map(str::to_owned),
    }
}

const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_becomes_a_tree() {
        let document = "<?xml version='1.0'?>\n<p:a xmlns:p='urn:p' xmlns='urn:d' x='1 &amp; 2'>\
             t<!-- c -->e&#120;<![CDATA[t]]><b/><b y=''> &lt;</b></p:a>\n<!-- end -->";
        let root = Element::parse(document).unwrap();
        assert!(root.has_name("urn:p", "a"));
        assert!(!root.has_name("urn:d", "a"));
        assert_eq!(root.attribute("x"), Some("1 & 2"));
        assert_eq!(root.text, "text");
        let [empty, full] = root.children("urn:d", "b")[..] else {
            panic!("two children")
        };
        assert_eq!((empty.text.as_str(), full.text.as_str()), ("", " <"));
        assert!(root.only_child("urn:d", "b").is_none());
        assert!(root.only_child("urn:p", "b").is_none());
    }

    #[test]
    fn other_texts_do_not_parse() {
        let deep = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(Element::parse(&deep(MAX_DEPTH)).is_some());
        for document in [
            "",
            "text",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><a/>",
            "<a/>text",
            "<p:a/>",
            "<a x='1' x='2'/>",
            "<a x=1/>",
            "<a>&other;</a>",
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a/>",
            &deep(MAX_DEPTH + 1),
        ] {
            assert!(Element::parse(document).is_none(), "{document}");
        }
    }
}
