//! Each method documents the permissions that it needs.

use std::{collections::BTreeMap, time::Duration};

use genesys_cloud_auth::{
    Error, ErrorKind, PlatformClient,
    admin::{DataAction, DataActionFilter, NewCredential, NewDataAction, NewOAuthClient},
    rotation::{RotatedCredential, RotationInterrupted},
    sandbox::Sandbox,
};
use serde_json::{Value, json};
use syn::{Attribute, Expr, ImplItem, Item, Lit, Meta, Type, Visibility};

use super::{
    all_calls,
    chain::{Chain, contract, lookup},
};
use crate::{
    rotation::MemoryVault,
    source::{Files, modules},
    support::cloud::client_of,
};

/// The modules whose methods need permissions.
const MODULES: [&str; 3] = ["admin", "audit", "rotation"];

/// The documentation of the public `async` methods of the modules, by type and method.
fn documentation() -> BTreeMap<String, String> {
    let files = Files::read(&["src"], ".rs");
    let modules = modules(&files, "src/lib.rs").into_iter();
    let modules = modules.filter(|module| {
        let name = module.path.first().map(String::as_str);
        name.is_some_and(|name| MODULES.contains(&name))
    });
    let mut found = BTreeMap::new();
    for item in modules.flat_map(|module| module.syntax.items) {
        let Item::Impl(item) = item else { continue };
        let Type::Path(handle) = &*item.self_ty else {
            continue;
        };
        let handle = handle.path.segments.last().unwrap().ident.to_string();
        for item in item.items {
            let ImplItem::Fn(method) = item else { continue };
            let is_public = matches!(method.vis, Visibility::Public(_));
            if is_public && method.sig.asyncness.is_some() {
                let text = method.attrs.iter().filter_map(doc_line).collect();
                found.insert(format!("{handle}.{}", method.sig.ident), text);
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

/// By method, for each permission the ones of which one is enough.
type Needed = BTreeMap<&'static str, Vec<Vec<String>>>;

/// Calls methods, and notes the permissions that each lacks until it lacks none.
macro_rules! note {
    ($all:expr, $sandbox:expr, $($name:literal: $call:expr),* $(,)?) => {$({
        $sandbox.set_permissions([OTHER]);
        let mut granted = vec![OTHER.to_owned()];
        let mut needed = Vec::new();
        while let Some(lacking) = $call.await.err().and_then(|error| error.lacking()) {
            granted.push(lacking[0].clone());
            needed.push(lacking);
            $sandbox.set_permissions(granted.clone());
        }
        $sandbox.set_permissions(["*"]);
        $all.insert($name, needed);
    })*};
}

async fn needed_for_oauth_clients(all: &mut Needed) {
    let sandbox = Sandbox::builder().other_clients(1).start().await.unwrap();
    let clients = client_of(&sandbox).oauth_clients();
    // The first client is the caller itself.
    let id = clients.list().await.unwrap().pop().unwrap().id;
    let new = NewOAuthClient::client_credentials("a").role("r", "*");
    let query = all_calls();
    note! { all, sandbox,
        "OAuthClients.authorization": clients.authorization(&id),
        "OAuthClients.authorizations": clients.authorizations(),
        "OAuthClients.create": clients.create(&new),
        "OAuthClients.disable": clients.disable(&id),
        "OAuthClients.enable": clients.enable(&id),
        "OAuthClients.get": clients.get(&id),
        "OAuthClients.list": clients.list(),
        "OAuthClients.organization_usage": clients.organization_usage(&query),
        "OAuthClients.regenerate_secret": clients.regenerate_secret(&id),
        "OAuthClients.scope": clients.scope("users"),
        "OAuthClients.scopes": clients.scopes(),
        "OAuthClients.update": clients.update(&id, |_| {}),
        "OAuthClients.usage": clients.usage(&id, &query),
        "OAuthClients.usage_summary": clients.usage_summary(&id, 7),
        "OAuthClients.delete": clients.delete(&id),
    }
}

async fn needed_for_integrations(all: &mut Needed) {
    let sandbox = Sandbox::start().await.unwrap();
    let integrations = client_of(&sandbox).integrations().wait(Duration::ZERO);
    let created = integrations.create("custom-rest-actions", "x").await;
    let id = created.unwrap().id;
    let credential = NewCredential::basic_auth("a", "b", "c");
    note! { all, sandbox,
        "Integrations.configuration": integrations.configuration(&id),
        "Integrations.configure": integrations.configure(&id, |_| {}),
        "Integrations.create": integrations.create("custom-rest-actions", "x"),
        "Integrations.create_credential": integrations.create_credential(&credential),
        "Integrations.credential_types": integrations.credential_types(),
        "Integrations.delete_credential": integrations.delete_credential("x"),
        "Integrations.disable": integrations.disable(&id),
        "Integrations.enable": integrations.enable(&id),
        "Integrations.get": integrations.get(&id),
        "Integrations.get_credential": integrations.get_credential("x"),
        "Integrations.list": integrations.list(),
        "Integrations.list_credentials": integrations.list_credentials(),
        "Integrations.replace_credential": integrations.replace_credential("x", &credential),
        "Integrations.using_credential": integrations.using_credential("x"),
        "Integrations.wait_until_active": integrations.wait_until_active(&id),
        "Integrations.delete": integrations.delete(&id),
    }
}

async fn needed_for_data_actions(all: &mut Needed) {
    let sandbox = Sandbox::start().await.unwrap();
    let actions = client_of(&sandbox).data_actions().wait(Duration::ZERO);
    let (id, input) = (sandbox.data_action_id(), json!({}));
    let new = NewDataAction::new("n", "c", "i", lookup(), contract());
    let change = |action: &mut DataAction| action.config = Some(lookup());
    note! { all, sandbox,
        "DataActions.create": actions.create(&new),
        "DataActions.create_draft": actions.create_draft(&new),
        "DataActions.execute": actions.execute::<_, Value>(id, &input),
        "DataActions.get": actions.get(id),
        "DataActions.list": actions.list(),
        "DataActions.list_by": actions.list_by(&DataActionFilter::default().name("x")),
        "DataActions.list_drafts": actions.list_drafts(),
        "DataActions.start_draft": actions.start_draft(id),
        "DataActions.get_draft": actions.get_draft(id),
        "DataActions.test": actions.test(id, &input),
        "DataActions.test_draft": actions.test_draft(id, &input),
        "DataActions.validate_draft": actions.validate_draft(id),
        "DataActions.update_draft": actions.update_draft(id, change),
        "DataActions.publish": actions.publish(id),
        "DataActions.delete_draft": actions.delete_draft(id),
        "DataActions.update": actions.update(id, change),
        "DataActions.delete": actions.delete(id),
    }
}

async fn needed_for_audits(all: &mut Needed) {
    async fn run(api: &PlatformClient) -> Result<(), Vec<String>> {
        let report = api.audit().run().await;
        let report = report.map_err(|error| error.lacking().unwrap())?;
        let mut lacking = report.not_checked.into_iter();
        match lacking.find(|one| !one.missing_permissions.is_empty()) {
            Some(one) => Err(one.missing_permissions),
            None => Ok(()),
        }
    }
    let sandbox = Sandbox::start().await.unwrap();
    let api = client_of(&sandbox);
    note! { all, sandbox, "Audit.run": run(&api) }
}

async fn needed_for_rotations(all: &mut Needed) {
    let chain = Chain::start().await;
    let (sandbox, action) = (&chain.sandbox, chain.publish(lookup()).await);
    let (id, vault) = (&chain.client.client.id, MemoryVault::default());
    let folder = tempfile::tempdir().unwrap();
    let rotation = |journal: &str| {
        let journal = folder.path().join(journal);
        let credential = RotatedCredential::oauth_client(&chain.credential.id, "CRM lookup", id);
        let rotation = chain.api.rotate_client_secret(id, vault.vault(), journal);
        let rotation = rotation.credential(credential);
        rotation
            .execute(&action, &json!({ "email": "ada" }))
            .unwrap()
    };
    // An interrupted rotation keeps its journal, so each has one of its own.
    let mut journals = (0..).map(|number: u32| number.to_string());
    let mut next = || rotation(&journals.next().unwrap());
    vault.set_sealed(true);
    let interrupted = rotation("resumed").run().await.unwrap_err();
    drop(interrupted.into_secret());
    vault.set_sealed(false);
    note! { all, sandbox,
        "Rotation.plan": next().plan(),
        "Rotation.resume": rotation("resumed").resume(),
        "Rotation.run": next().run(),
        "Rotation.recheck": next().recheck(),
    }
}

/// What may lack permissions.
trait Lacking {
    fn lacking(&self) -> Option<Vec<String>>;
}

impl Lacking for Error {
    fn lacking(&self) -> Option<Vec<String>> {
        match self.kind() {
            ErrorKind::AccessDenied(denied) => Some(denied.permissions.clone()),
            _ => None,
        }
    }
}

impl Lacking for RotationInterrupted {
    fn lacking(&self) -> Option<Vec<String>> {
        self.error().lacking()
    }
}

impl Lacking for Vec<String> {
    fn lacking(&self) -> Option<Vec<String>> {
        Some(self.clone())
    }
}

/// The documentation of a method, or of the one whose permissions it needs.
fn naming<'a>(documentation: &'a BTreeMap<String, String>, method: &str) -> &'a str {
    let text = &documentation[method];
    let Some((_, other)) = text.split_once("Needs the permissions of [`") else {
        return text;
    };
    let (other, _) = other.split_once('`').unwrap();
    let (handle, _) = method.split_once('.').unwrap();
    &documentation[&format!("{handle}.{other}")]
}

/// Whether the text has the form `domain:entity:action`.
fn is_permission(text: &str) -> bool {
    text.split(':').filter(|part| !part.is_empty()).count() == 3
}

#[tokio::test]
async fn documentation_names_exactly_the_needed_permissions() {
    let documentation = documentation();
    let mut needed = Needed::new();
    needed_for_oauth_clients(&mut needed).await;
    needed_for_integrations(&mut needed).await;
    needed_for_data_actions(&mut needed).await;
    needed_for_audits(&mut needed).await;
    needed_for_rotations(&mut needed).await;
    let methods: Vec<_> = documentation.keys().map(String::as_str).collect();
    assert_eq!(methods, needed.keys().copied().collect::<Vec<_>>());
    for method in methods {
        let text = naming(&documentation, method);
        let spans = text.split('`').skip(1).step_by(2);
        let mut named: Vec<_> = spans.filter(|span| is_permission(span)).collect();
        let mut expected: Vec<_> = needed[method].iter().flatten().collect();
        named.sort_unstable();
        expected.sort_unstable();
        assert_eq!(named, expected, "{method}: {text}");
        if expected.is_empty() {
            assert!(text.contains("Needs no permission."), "{method}: {text}");
        }
    }
}

const OTHER: &str = "other:other:view";
