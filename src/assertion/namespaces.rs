//! The namespaces in which an element is (Namespaces in XML 1.0).

use crate::error::XmlFault;

/// The bindings of prefixes in scope, the innermost last.
#[derive(Default)]
pub(super) struct Namespaces(Vec<Binding>);

struct Binding {
    depth: usize,
    prefix: String,
    namespace: Namespace,
}

/// The few that matter here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Namespace {
    Assertion,
    Protocol,
    Signature,
    Other,
}

impl Namespaces {
    /// Binds `prefix`, or what has none where it is empty, for the element at `depth`.
    pub(super) fn bind(&mut self, depth: usize, prefix: &str, uri: &str) -> Result<(), XmlFault> {
        if self.0.len() >= MOST_IN_SCOPE {
            return Err(XmlFault::TooWide);
        }
        let reserved = prefix == "xmlns" || uri == XMLNS || (prefix == "xml") != (uri == XML);
        if reserved || (uri.is_empty() && !prefix.is_empty()) {
            return Err(XmlFault::Malformed);
        }
        self.0.push(Binding {
            depth,
            prefix: prefix.to_owned(),
            namespace: match uri {
                ASSERTION => Namespace::Assertion,
                PROTOCOL => Namespace::Protocol,
                SIGNATURE => Namespace::Signature,
                _ => Namespace::Other,
            },
        });
        Ok(())
    }

    /// The namespace of an element whose name has this prefix.
    pub(super) fn of(&self, prefix: &str) -> Result<Namespace, XmlFault> {
        let mut innermost = self.0.iter().rev();
        match innermost.find(|binding| binding.prefix == prefix) {
            Some(binding) => Ok(binding.namespace),
            None if prefix.is_empty() || prefix == "xml" => Ok(Namespace::Other),
            None => Err(XmlFault::Malformed),
        }
    }

    /// The element at `depth` has ended.
    pub(super) fn leave(&mut self, depth: usize) {
        let bindings = &mut self.0;
        while bindings
            .last()
            .is_some_and(|binding| binding.depth >= depth)
        {
            bindings.pop();
        }
    }
}

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

const MOST_IN_SCOPE: usize = 256;
