//! Each method documents the permissions that it needs.

use std::collections::BTreeMap;

use genesys_cloud_auth::{Error, ErrorKind, admin::NewOAuthClient, sandbox::Sandbox};
use syn::{Attribute, Expr, ImplItem, Item, Lit, Meta, Visibility};

use super::all_calls;
use crate::{
    source::{Files, modules},
    support::cloud::client_of,
};

/// The documentation of the public `async` methods of the module.
fn documentation() -> BTreeMap<String, String> {
    let files = Files::read(&["src"], ".rs");
    let modules = modules(&files, "src/lib.rs").into_iter();
    let modules = modules.filter(|module| module.path.first().is_some_and(|name| name == "admin"));
    let mut found = BTreeMap::new();
    for item in modules.flat_map(|module| module.syntax.items) {
        let Item::Impl(item) = item else { continue };
        for item in item.items {
            let ImplItem::Fn(method) = item else { continue };
            let is_public = matches!(method.vis, Visibility::Public(_));
            if is_public && method.sig.asyncness.is_some() {
                let text = method.attrs.iter().filter_map(doc_line).collect();
                found.insert(method.sig.ident.to_string(), text);
            }
        }
    }
    found
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    let Expr::Lit(literal) = &pair.value else {
        return None;
    };
    match &literal.lit {
        Lit::Str(text) if pair.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

/// Calls every method, and returns the permissions that it lacks until it lacks none.
async fn needed() -> BTreeMap<&'static str, Vec<String>> {
    let sandbox = Sandbox::builder().other_clients(1).start().await.unwrap();
    let clients = client_of(&sandbox).oauth_clients();
    // The first client is the caller itself.
    let id = clients.list().await.unwrap().pop().unwrap().id;
    sandbox.set_permissions(["other:other:view"]);
    let new = NewOAuthClient::client_credentials("a").role("r", "*");
    let query = all_calls();
    let mut all = BTreeMap::new();
    macro_rules! note {
        ($($name:literal: $call:expr),* $(,)?) => {$({
            let mut granted = vec!["other:other:view".to_owned()];
            let mut needed = Vec::new();
            while let Some(lacking) = lacking($call.await.err()) {
                // One of several is enough.
                granted.push(lacking[0].clone());
                needed.extend(lacking);
                sandbox.set_permissions(granted.clone());
            }
            sandbox.set_permissions(["other:other:view"]);
            all.insert($name, needed);
        })*};
    }
    note! {
        "authorization": clients.authorization(&id),
        "authorizations": clients.authorizations(),
        "create": clients.create(&new),
        "disable": clients.disable(&id),
        "enable": clients.enable(&id),
        "get": clients.get(&id),
        "list": clients.list(),
        "organization_usage": clients.organization_usage(&query),
        "regenerate_secret": clients.regenerate_secret(&id),
        "scopes": clients.scopes(),
        "update": clients.update(&id, |_| {}),
        "usage": clients.usage(&id, &query),
        "usage_summary": clients.usage_summary(&id, 7),
        "delete": clients.delete(&id),
    }
    all
}

fn lacking(error: Option<Error>) -> Option<Vec<String>> {
    match error?.kind() {
        ErrorKind::AccessDenied(denied) => Some(denied.permissions.clone()),
        _ => None,
    }
}

/// Whether the text has the form `domain:entity:action`.
fn is_permission(text: &str) -> bool {
    text.split(':').filter(|part| !part.is_empty()).count() == 3
}

#[tokio::test]
async fn documentation_names_exactly_the_needed_permissions() {
    let documentation = documentation();
    let needed = needed().await;
    let methods: Vec<_> = documentation.keys().map(String::as_str).collect();
    assert_eq!(methods, needed.keys().copied().collect::<Vec<_>>());
    for (method, text) in documentation {
        let spans = text.split('`').skip(1).step_by(2);
        let mut named: Vec<_> = spans.filter(|span| is_permission(span)).collect();
        let mut expected = needed[method.as_str()].clone();
        named.sort_unstable();
        expected.sort_unstable();
        assert_eq!(named, expected, "{method}: {text}");
        if expected.is_empty() {
            assert!(text.contains("Needs no permission."), "{method}: {text}");
        }
    }
}
