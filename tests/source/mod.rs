//! Rust source as far as the checks of this folder need it: the files of a crate, its modules,
//! and their words and marks without comments.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a check that panics has failed"
)]

use std::{collections::BTreeMap, fs, path::Path};

/// The `.rs` files of some folders by their path from the top, with `/` on every system.
pub(crate) struct Files(BTreeMap<String, String>);

impl Files {
    /// What is on disk under the top-level folders `folders`.
    pub(crate) fn read(folders: &[&str]) -> Self {
        let mut files = Self(BTreeMap::new());
        for folder in folders {
            files.read_folder(folder);
        }
        files
    }

    /// Files that are not on disk.
    pub(crate) fn planted(files: &[(&str, &str)]) -> Self {
        let owned = |&(path, text): &(&str, &str)| (path.to_owned(), text.to_owned());
        Self(files.iter().map(owned).collect())
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn read_folder(&mut self, folder: &str) {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        for entry in fs::read_dir(top.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.read_folder(&path);
            } else if Path::new(&path).extension().is_some_and(|end| end == "rs") {
                self.0
                    .insert(path, fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
}

/// A module with a file of its own. Inline modules belong to their file.
pub(crate) struct Module {
    /// The names from the crate root down; empty for the root.
    pub(crate) path: Vec<String>,
    pub(crate) file: String,
    pub(crate) tokens: Vec<Token>,
    /// Declared under `#[cfg(test)]`, or below such a module.
    pub(crate) test_only: bool,
}

/// The modules that the crate with the root file `root` declares, the root first.
pub(crate) fn modules(files: &Files, root: &str) -> Vec<Module> {
    let mut found = vec![Module {
        path: Vec::new(),
        file: root.to_owned(),
        tokens: tokens(&files.0[root]),
        test_only: false,
    }];
    let mut next = 0;
    while let Some(parent) = found.get(next) {
        let folder = match parent.file.rsplit_once('/').unwrap() {
            (folder, "mod.rs") => folder.to_owned(),
            (folder, _) if parent.path.is_empty() => folder.to_owned(),
            _ => parent.file.trim_end_matches(".rs").to_owned(),
        };
        let mut children = Vec::new();
        for (name, test_only) in outline(&parent.tokens).children {
            let candidates = [
                format!("{folder}/{name}.rs"),
                format!("{folder}/{name}/mod.rs"),
            ];
            let file = candidates
                .into_iter()
                .find(|path| files.0.contains_key(path));
            children.extend(file.map(|file| Module {
                path: [parent.path.clone(), vec![name]].concat(),
                tokens: tokens(&files.0[&file]),
                file,
                test_only: test_only || parent.test_only,
            }));
        }
        found.extend(children);
        next += 1;
    }
    found
}

/// What a file declares.
#[derive(Default)]
pub(crate) struct Outline {
    /// `mod name;`, and whether only tests see it.
    pub(crate) children: Vec<(String, bool)>,
    /// The test functions that are run by default, with the inline modules they are in.
    pub(crate) tests: Vec<String>,
}

pub(crate) fn outline(tokens: &[Token]) -> Outline {
    let mut outline = Outline::default();
    let mut scopes: Vec<Option<&str>> = Vec::new();
    let mut attributes: Vec<&[Token]> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let after = |steps: usize| tokens.get(at + steps).map_or("", |token| &token.text);
        match token.mark_or_word() {
            "#" => {
                let end = attribute_end(tokens, at);
                attributes.push(&tokens[at..end]);
                at = end;
                continue;
            }
            "mod" if after(2) == "{" => {
                scopes.push(Some(after(1)));
                attributes.clear();
                at += 2;
            }
            "mod" if after(2) == ";" && scopes.is_empty() => {
                let test_only = attributes.iter().copied().any(is_test_only);
                outline.children.push((after(1).to_owned(), test_only));
            }
            "fn" if is_test(&attributes) => {
                let mut path: Vec<_> = scopes.iter().copied().flatten().collect();
                path.push(after(1));
                outline.tests.push(path.join("::"));
            }
            "{" => {
                scopes.push(None);
                attributes.clear();
            }
            "}" => {
                scopes.pop();
                attributes.clear();
            }
            ";" => attributes.clear(),
            _ => {}
        }
        at += 1;
    }
    outline
}

/// Leaves out what is compiled for tests only.
pub(crate) fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let end = if token.is("#") {
            attribute_end(tokens, at)
        } else {
            at + 1
        };
        if !is_test_only(&tokens[at..end]) {
            kept.extend_from_slice(&tokens[at..end]);
            at = end;
        } else if tokens[at + 1].is("!") {
            // The attribute of a whole file or block.
            return kept;
        } else {
            at = item_end(tokens, end);
        }
    }
    kept
}

/// A word, a mark or the content of a string.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    kind: Kind,
    pub(crate) text: String,
    pub(crate) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Word,
    Mark,
    Quoted,
}

impl Token {
    /// Whether this is the word or mark `text`.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.kind != Kind::Quoted && self.text == text
    }

    pub(crate) fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }

    pub(crate) fn mark_or_word(&self) -> &str {
        if self.kind == Kind::Quoted {
            ""
        } else {
            &self.text
        }
    }
}

pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = if rest.starts_with("//") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, block_comment(rest))
        } else if let Some(length) = quoted(rest) {
            (Some(Kind::Quoted), length)
        } else if first == '\'' {
            // A lifetime: its name follows as a word, which harms nobody.
            (None, 1)
        } else if first == '_' || first.is_alphanumeric() {
            let end = |c: char| c != '_' && !c.is_alphanumeric();
            let start = if rest.starts_with("r#") { 2 } else { 0 };
            let length = rest[start..]
                .find(end)
                .map_or(rest.len(), |end| start + end);
            (Some(Kind::Word), length)
        } else if rest.starts_with("::") {
            (Some(Kind::Mark), 2)
        } else if first.is_whitespace() {
            (None, first.len_utf8())
        } else {
            (Some(Kind::Mark), first.len_utf8())
        };
        if let Some(kind) = kind {
            let text = rest[..length].trim_start_matches("r#").to_owned();
            found.push(Token { kind, text, line });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// The length of the string or character at the start of `rest`.
fn quoted(rest: &str) -> Option<usize> {
    let prefix = rest.find(|c| !matches!(c, 'b' | 'c' | 'r'))?;
    let body = &rest[prefix..];
    if prefix > 2 {
        None
    } else if rest[..prefix].ends_with('r') {
        let hashes = body.find(|c| c != '#')?;
        body[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = prefix + hashes + 1;
        Some(inside + rest[inside..].find(&end)? + end.len())
    } else if body.starts_with('"') {
        Some(prefix + escaped(body, '"')?)
    } else if body.starts_with('\'') {
        let mut inside = body.chars().skip(1);
        let is_character = inside.next()? == '\\' || inside.next()? == '\'';
        is_character.then_some(prefix + escaped(body, '\'')?)
    } else {
        None
    }
}

/// The length of `body` up to its second `quote` that has no backslash before it.
fn escaped(body: &str, quote: char) -> Option<usize> {
    let mut characters = body.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return Some(at + 1);
        }
    }
    None
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let step = match rest.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// The place after the attribute that starts at `at`.
fn attribute_end(tokens: &[Token], at: usize) -> usize {
    let open = if tokens.get(at + 1).is_some_and(|token| token.is("!")) {
        2
    } else {
        1
    };
    if tokens.get(at + open).is_some_and(|token| token.is("[")) {
        group_end(tokens, at + open)
    } else {
        at + 1
    }
}

/// The place after the bracket that closes the one at `at`.
fn group_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.mark_or_word() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// The place after the item, field or match arm that starts at `at`.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while tokens.get(at).is_some_and(|token| token.is("#")) {
        at = attribute_end(tokens, at);
    }
    let is_item = tokens
        .get(at)
        .is_some_and(|token| ITEMS.contains(&token.mark_or_word()));
    while let Some(token) = tokens.get(at) {
        match token.mark_or_word() {
            "{" => return group_end(tokens, at),
            "(" | "[" => at = group_end(tokens, at),
            ";" => return at + 1,
            "," if !is_item => return at + 1,
            ")" | "]" | "}" => return at,
            _ => at += 1,
        }
    }
    at
}

/// Whether `attribute` is `#[cfg(test)]` or `#[cfg(all(test, …))]`.
fn is_test_only(attribute: &[Token]) -> bool {
    let has = |word: &str| attribute.iter().any(|token| token.is(word));
    has("#") && has("cfg") && has("test") && !has("not") && !has("any")
}

/// Whether one of `attributes` is `#[test]` or a runtime's, and none is `#[ignore]`.
fn is_test(attributes: &[&[Token]]) -> bool {
    let name = |attribute: &&[Token]| {
        let path = attribute
            .split(|token| token.is("(") || token.is("="))
            .next();
        let mut words = path.into_iter().flatten().filter(|token| token.is_word());
        words
            .next_back()
            .map_or(String::new(), |word| word.text.clone())
    };
    let names: Vec<_> = attributes.iter().map(name).collect();
    names.iter().any(|name| name == "test") && !names.iter().any(|name| name == "ignore")
}

/// The words an item starts with, at which a comma does not end.
const ITEMS: [&str; 15] = [
    "async", "const", "enum", "extern", "fn", "impl", "let", "mod", "pub", "static", "struct",
    "trait", "type", "unsafe", "use",
];
