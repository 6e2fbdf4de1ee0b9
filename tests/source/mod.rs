//! The Rust files of this project as syntax trees, for the checks in this folder.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    reason = "a check that panics has failed, and no check uses everything here"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::RangeInclusive,
    path::Path,
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Item, Meta, UseTree, Visibility, spanned::Spanned, visit, visit::Visit};

/// Text files by their path from the top folder, with `/` on every system.
pub(crate) struct Files(BTreeMap<String, String>);

impl Files {
    /// Reads the files under the top-level folders `folders` whose names end in `ending`.
    pub(crate) fn read(folders: &[&str], ending: &str) -> Self {
        let mut files = Self(BTreeMap::new());
        for folder in folders {
            files.read_folder(folder, ending);
        }
        files
    }

    /// Reads the files of the top folder.
    pub(crate) fn read_top() -> Self {
        let mut files = Self(BTreeMap::new());
        for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let text = fs::read_to_string(entry.path()).unwrap();
                let name = entry.file_name().into_string().unwrap();
                files.0.insert(name, text);
            }
        }
        files
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Files that are not on disk.
    pub(crate) fn planted(files: &[(&str, &str)]) -> Self {
        let owned = |&(path, text): &(&str, &str)| (path.to_owned(), text.to_owned());
        Self(files.iter().map(owned).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (&**path, &**text))
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        &self.0[path]
    }

    fn read_folder(&mut self, folder: &str, ending: &str) {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        for entry in fs::read_dir(top.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.read_folder(&path, ending);
            } else if path.ends_with(ending) {
                let text = fs::read_to_string(entry.path()).unwrap();
                self.0.insert(path, text);
            }
        }
    }
}

/// A module with a file of its own. Inline modules belong to their file.
pub(crate) struct Module {
    /// The names from the crate root down; empty for the root.
    pub(crate) path: Vec<String>,
    pub(crate) file: String,
    pub(crate) syntax: syn::File,
    /// Declared under `#[cfg(test)]`, or below such a module.
    pub(crate) test_only: bool,
}

/// The modules that the crate with the root file `root` declares, the root first.
pub(crate) fn modules(files: &Files, root: &str) -> Vec<Module> {
    let mut found = vec![Module {
        path: Vec::new(),
        file: root.to_owned(),
        syntax: parse(root, &files.0[root]),
        test_only: false,
    }];
    let mut next = 0;
    while let Some(parent) = found.get(next) {
        let folder = match parent.file.rsplit_once('/').unwrap() {
            (folder, "mod.rs") => folder,
            (folder, _) if parent.path.is_empty() => folder,
            _ => parent.file.trim_end_matches(".rs"),
        };
        let mut children = Vec::new();
        for item in &parent.syntax.items {
            let Item::Mod(declared) = item else { continue };
            let name = declared.ident.to_string();
            let candidates = [
                format!("{folder}/{name}.rs"),
                format!("{folder}/{name}/mod.rs"),
            ];
            let mut candidates = candidates.into_iter();
            let file = candidates.find(|path| files.0.contains_key(path));
            children.extend(file.map(|file| Module {
                path: [parent.path.clone(), vec![name]].concat(),
                syntax: parse(&file, &files.0[&file]),
                file,
                test_only: parent.test_only || is_test_only(&declared.attrs),
            }));
        }
        found.extend(children);
        next += 1;
    }
    found
}

pub(crate) fn parse(file: &str, text: &str) -> syn::File {
    syn::parse_file(text)
        .unwrap_or_else(|error| panic!("{file}:{}: {error}", error.span().start().line))
}

/// The line on which a part of a file starts.
pub(crate) fn line_of(part: &impl Spanned) -> usize {
    part.span().start().line
}

/// The test functions of a file that run by default, with the inline modules they are in.
pub(crate) fn tests(file: &syn::File) -> Vec<String> {
    fn collect(items: &[Item], scope: &str, found: &mut Vec<String>) {
        for item in items {
            match item {
                Item::Fn(function) if is_test(&function.attrs) => {
                    found.push(format!("{scope}{}", function.sig.ident));
                }
                Item::Mod(module) => {
                    if let Some((_, items)) = &module.content {
                        collect(items, &format!("{scope}{}::", module.ident), found);
                    }
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    collect(&file.items, "", &mut found);
    found
}

/// Whether one of `attributes` is `#[test]` or a runtime's, and none is `#[ignore]`.
fn is_test(attributes: &[Attribute]) -> bool {
    let is = |attribute: &Attribute, name| {
        let last = attribute.path().segments.last();
        last.is_some_and(|segment| segment.ident == name)
    };
    attributes.iter().any(|attribute| is(attribute, "test"))
        && !attributes.iter().any(|attribute| is(attribute, "ignore"))
}

/// Whether one of `attributes` is `#[cfg(test)]` or `#[cfg(all(test, …))]`.
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = cfg_condition(attribute).unwrap_or_default();
        condition == "test" || condition.starts_with("all (test ,")
    })
}

/// The condition of a `#[cfg(…)]`, with blanks between its tokens.
pub(crate) fn cfg_condition(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => Some(list.tokens.to_string()),
        _ => None,
    }
}

/// The lines of a file that only tests compile.
pub(crate) fn test_lines(file: &syn::File) -> Vec<RangeInclusive<usize>> {
    let mut found = TestLines(Vec::new());
    if is_test_only(&file.attrs) {
        found.0.push(1..=usize::MAX);
    }
    found.visit_file(file);
    found.0
}

struct TestLines(Vec<RangeInclusive<usize>>);

impl TestLines {
    fn note(&mut self, attributes: &[Attribute], part: &impl Spanned) {
        if is_test_only(attributes) {
            self.0.push(line_of(part)..=part.span().end().line);
        }
    }
}

/// Notes each of these parts of a syntax tree that only tests compile.
macro_rules! note_parts {
    ($($visit:ident: $part:ident,)*) => {
        impl<'ast> Visit<'ast> for TestLines {
            $(fn $visit(&mut self, part: &'ast syn::$part) {
                self.note(&part.attrs, part);
                visit::$visit(self, part);
            })*
        }
    };
}

note_parts! {
    visit_arm: Arm,
    visit_field: Field,
    visit_field_value: FieldValue,
    visit_impl_item_const: ImplItemConst,
    visit_impl_item_fn: ImplItemFn,
    visit_item_const: ItemConst,
    visit_item_enum: ItemEnum,
    visit_item_fn: ItemFn,
    visit_item_impl: ItemImpl,
    visit_item_macro: ItemMacro,
    visit_item_mod: ItemMod,
    visit_item_static: ItemStatic,
    visit_item_struct: ItemStruct,
    visit_item_trait: ItemTrait,
    visit_item_type: ItemType,
    visit_item_use: ItemUse,
    visit_local: Local,
    visit_variant: Variant,
}

/// The names of the public types and traits of the crate with the root file `root`.
pub(crate) fn public_types(files: &Files, root: &str) -> BTreeSet<String> {
    fn of_items(items: &[Item], path: &[String], modules: &[Module], names: &mut Vec<String>) {
        for item in items {
            match item {
                Item::Use(item) if is_public(&item.vis) => {
                    names.extend(use_leaves(&item.tree).into_iter().map(|(_, name)| name));
                }
                Item::Struct(item) if is_public(&item.vis) => names.push(item.ident.to_string()),
                Item::Enum(item) if is_public(&item.vis) => names.push(item.ident.to_string()),
                Item::Trait(item) if is_public(&item.vis) => names.push(item.ident.to_string()),
                Item::Mod(item) if is_public(&item.vis) => {
                    let path = [path, &[item.ident.to_string()]].concat();
                    let file = modules.iter().find(|module| module.path == path);
                    let inline = item.content.as_ref().map(|(_, items)| &items[..]);
                    let items = inline.or(file.map(|file| &file.syntax.items[..]));
                    of_items(items.unwrap_or_default(), &path, modules, names);
                }
                _ => {}
            }
        }
    }
    let modules = modules(files, root);
    let mut names = Vec::new();
    of_items(&modules[0].syntax.items, &[], &modules, &mut names);
    // Functions, constants and crates are written in other ways.
    names.retain(|name| name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase));
    names.into_iter().collect()
}

/// The paths of a `use` line with the names that it brings. A glob ends in `*`.
pub(crate) fn use_leaves(tree: &UseTree) -> Vec<(Vec<String>, String)> {
    let leaf = |word: String, name: String| vec![(vec![word], name)];
    match tree {
        UseTree::Path(path) => {
            let first = path.ident.to_string();
            let with_first = |(mut rest, mut name): (Vec<String>, String)| {
                // `a::{self}` is `a`.
                if rest == ["self"] {
                    rest.clear();
                }
                if name == "self" {
                    name.clone_from(&first);
                }
                rest.insert(0, first.clone());
                (rest, name)
            };
            use_leaves(&path.tree).into_iter().map(with_first).collect()
        }
        UseTree::Group(group) => group.items.iter().flat_map(use_leaves).collect(),
        UseTree::Name(name) => leaf(name.ident.to_string(), name.ident.to_string()),
        UseTree::Rename(rename) => leaf(rename.ident.to_string(), rename.rename.to_string()),
        UseTree::Glob(_) => leaf("*".to_owned(), "*".to_owned()),
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The lines of a file that hold code: neither blank nor only a comment.
pub(crate) fn code_lines(text: &str) -> BTreeSet<usize> {
    fn collect(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
        for token in tokens {
            let span = token.span();
            match token {
                TokenTree::Group(group) => {
                    let first = group.stream().into_iter().next();
                    // A doc comment is read as `#[doc = "…"]`.
                    let is_doc = matches!(first, Some(TokenTree::Ident(ident)) if ident == "doc");
                    if !is_doc {
                        lines.extend([span.start().line, span.end().line]);
                        collect(group.stream(), lines);
                    }
                }
                // The marks before an attribute, which may be a doc comment.
                TokenTree::Punct(mark) if "#!".contains(mark.as_char()) => {}
                _ => lines.extend(span.start().line..=span.end().line),
            }
        }
    }
    let mut lines = BTreeSet::new();
    collect(text.parse().unwrap(), &mut lines);
    lines
}
