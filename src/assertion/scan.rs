//! Reads XML once, from its start to its end, and believes nothing that is not well-formed.
//!
//! Source: Extensible Markup Language 1.0; Namespaces in XML 1.0.

use quick_xml::{
    Reader,
    events::{BytesDecl, BytesPI, BytesRef, BytesStart, Event},
};

use super::{Content, Found, Namespaces, Tag, is_character, is_name};
use crate::error::{AssertionFault, XmlFault};

/// Reads a document, and gives the assertion in it.
pub(super) fn scan_xml(xml: &str) -> Result<Found, AssertionFault> {
    if !xml.chars().all(is_character) {
        return Err(XmlFault::Malformed.into());
    }
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_comments = true;
    let mut scan = Scan::default();
    loop {
        let event = reader.read_event().map_err(|_| XmlFault::Malformed)?;
        let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event {
            Event::Start(tag) => scan.open(&tag, end.saturating_sub(tag.len() + "<>".len()))?,
            Event::Empty(tag) => {
                scan.open(&tag, end.saturating_sub(tag.len() + "</>".len()))?;
                scan.close(end);
            }
            Event::End(_) => scan.close(end),
            Event::Text(text) => scan.text(&text)?,
            Event::CData(_) => scan.inside()?,
            Event::GeneralRef(reference) => {
                scan.inside()?;
                resolve(&reference)?;
            }
            Event::Decl(declaration) => {
                let starts = end == declaration.len() + "<??>".len();
                declared(&declaration, starts)?;
            }
            Event::PI(instruction) => instructed(&instruction)?,
            Event::DocType(_) => return Err(XmlFault::DocumentType.into()),
            Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    if scan.depth > 0 || !scan.rooted {
        return Err(XmlFault::Malformed.into());
    }
    scan.content.judge()
}

/// Where the reader is.
#[derive(Default)]
struct Scan {
    depth: usize,
    rooted: bool,
    namespaces: Namespaces,
    content: Content,
}

impl Scan {
    fn open(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), AssertionFault> {
        if self.depth == 0 && std::mem::replace(&mut self.rooted, true) {
            return Err(XmlFault::Malformed.into());
        }
        if self.depth >= MOST_DEEP {
            return Err(XmlFault::TooDeep.into());
        }
        let tag = Tag::read(start, self.depth, &mut self.namespaces)?;
        self.depth += 1;
        self.content.open(&tag, at)
    }

    /// Every end has its start: the reader has seen to that.
    fn close(&mut self, end: usize) {
        self.depth = self.depth.saturating_sub(1);
        self.namespaces.leave(self.depth);
        self.content.close(end);
    }

    fn inside(&self) -> Result<(), XmlFault> {
        let inside = self.depth > 0;
        inside.then_some(()).ok_or(XmlFault::Malformed)
    }

    fn text(&self, text: &str) -> Result<(), XmlFault> {
        let is_space = |c| matches!(c, ' ' | '\t' | '\r' | '\n');
        if text.contains("]]>") {
            return Err(XmlFault::Malformed);
        }
        if text.chars().all(is_space) {
            return Ok(());
        }
        self.inside()
    }
}

/// A reference in a text, which may be a character's or one of the five that XML has of itself.
fn resolve(reference: &BytesRef<'_>) -> Result<(), XmlFault> {
    let known = match reference.resolve_char_ref() {
        Ok(Some(c)) => is_character(c),
        Ok(None) => ["amp", "lt", "gt", "quot", "apos"].contains(&&**reference),
        Err(_) => false,
    };
    known.then_some(()).ok_or(XmlFault::Malformed)
}

fn instructed(instruction: &BytesPI<'_>) -> Result<(), XmlFault> {
    let target = instruction.target();
    if is_name(target) && !target.eq_ignore_ascii_case("xml") {
        return Ok(());
    }
    Err(XmlFault::Malformed)
}

fn declared(declaration: &BytesDecl<'_>, starts: bool) -> Result<(), XmlFault> {
    if !starts || !declaration.version().is_ok_and(|version| version == "1.0") {
        return Err(XmlFault::Malformed);
    }
    match declaration.encoding() {
        Some(Ok(encoding)) if !encoding.eq_ignore_ascii_case("UTF-8") => Err(XmlFault::Encoding),
        Some(Err(_)) => Err(XmlFault::Malformed),
        Some(Ok(_)) | None => Ok(()),
    }
}

const MOST_DEEP: usize = 64;
