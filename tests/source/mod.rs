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
    fn collect(tree: &UseTree, names: &mut BTreeSet<String>) {
        match tree {
            UseTree::Path(path) => collect(&path.tree, names),
            UseTree::Group(group) => group.items.iter().for_each(|tree| collect(tree, names)),
            UseTree::Name(name) => names.extend([name.ident.to_string()]),
            UseTree::Rename(rename) => names.extend([rename.rename.to_string()]),
            _ => panic!("a glob hides what it exports"),
        }
    }
    let modules = modules(files, root);
    let mut names = BTreeSet::new();
    let mut public = vec![&modules[0]];
    while let Some(module) = public.pop() {
        for item in &module.syntax.items {
            match item {
                Item::Use(item) if is_public(&item.vis) => collect(&item.tree, &mut names),
                Item::Struct(item) if is_public(&item.vis) => {
                    names.insert(item.ident.to_string());
                }
                Item::Enum(item) if is_public(&item.vis) => {
                    names.insert(item.ident.to_string());
                }
                Item::Trait(item) if is_public(&item.vis) => {
                    names.insert(item.ident.to_string());
                }
                Item::Mod(item) if is_public(&item.vis) => {
                    let path = [module.path.clone(), vec![item.ident.to_string()]].concat();
                    public.extend(modules.iter().find(|module| module.path == path));
                }
                _ => {}
            }
        }
    }
    names.retain(|name| name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase));
    names
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
