//! XML as a tree, read by the sandbox alone.

use quick_xml::{
    NsReader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
    name::ResolveResult,
};

/// An element, with the text directly in it, over comments and all.
pub(super) struct Element {
    namespace: String,
    name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    children: Vec<Self>,
}

impl Element {
    /// The root of a document; `None` where it is not XML, has a DTD, or is deeper than
    /// [`DEEPEST`].
    pub(super) fn parse(document: &str) -> Option<Self> {
        let mut reader = NsReader::from_str(document);
        // The first stands for the document.
        let mut open = vec![Self::new(String::new(), String::new())];
        loop {
            let (namespace, event) = reader.read_resolved_event().ok()?;
            let namespace = match namespace {
                ResolveResult::Bound(namespace) => namespace.0.to_owned(),
                ResolveResult::Unbound => String::new(),
                ResolveResult::Unknown(_) => return None,
            };
            let is_deepest = open.len() > DEEPEST;
            let last = open.last_mut()?;
            match event {
                Event::Start(start) if !is_deepest => {
                    open.push(Self::start(namespace, &start)?);
                }
                Event::Empty(start) => last.children.push(Self::start(namespace, &start)?),
                Event::End(_) => {
                    let ended = open.pop()?;
                    open.last_mut()?.children.push(ended);
                }
                Event::Text(text) => last.text += &text.xml10_content(),
                Event::CData(text) => last.text += &text.xml10_content(),
                Event::GeneralRef(reference) => last.text += &resolved(&reference)?,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Start(_) | Event::DocType(_) => return None,
                Event::Eof => break,
            }
        }
        let mut document = open.pop().filter(|_| open.is_empty())?;
        let root = document.children.pop()?;
        let is_whole = document.children.is_empty() && document.text.trim().is_empty();
        is_whole.then_some(root)
    }

    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    /// The children of that name.
    pub(super) fn all(&self, namespace: &str, name: &str) -> Vec<&Self> {
        let children = self.children.iter();
        children.filter(|child| child.is(namespace, name)).collect()
    }

    /// The child of that name, where there is only one.
    pub(super) fn one(&self, namespace: &str, name: &str) -> Option<&Self> {
        match self.all(namespace, name)[..] {
            [child] => Some(child),
            _ => None,
        }
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(given, _)| given == name)?;
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

    fn start(namespace: String, start: &BytesStart<'_>) -> Option<Self> {
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

fn resolved(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => Some(character.into()),
        None => resolve_predefined_entity(reference).map(str::to_owned),
    }
}

/// How many elements may be in each other.
const DEEPEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree() {
        let document = "<?xml version='1.0'?>\n<p:a xmlns:p='urn:p' xmlns='urn:d' x='1 &amp; 2'>\
             t<!-- c -->e&#120;<![CDATA[t]]><b/><b y=''> &lt;</b></p:a>\n<!-- end -->";
        let root = Element::parse(document).unwrap();
        assert!(root.is("urn:p", "a") && !root.is("urn:d", "a"));
        assert_eq!(root.attribute("x"), Some("1 & 2"));
        assert_eq!(root.text, "text");
        let [empty, full] = root.all("urn:d", "b")[..] else {
            panic!("two children")
        };
        assert_eq!((empty.text.as_str(), full.text.as_str()), ("", " <"));
        assert!(root.one("urn:d", "b").is_none() && root.one("urn:p", "b").is_none());
    }

    #[test]
    fn what_is_no_document_is_none() {
        let deep = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(Element::parse(&deep(DEEPEST)).is_some());
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
            &deep(DEEPEST + 1),
        ] {
            assert!(Element::parse(document).is_none(), "{document}");
        }
    }
}
