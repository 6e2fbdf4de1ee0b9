//! Every public type and every public future is `Send`, and handles can be shared.
#![allow(clippy::wildcard_imports, reason = "the tests name each type once")]

use std::{collections::BTreeSet, time::Duration};

use genesys_cloud_auth::{
    admin::*, audit::*, client::*, error::*, limits::*, rotation::*, sandbox::*, store::*, *,
};
use syn::{ImplItem, Item, Type, Visibility};

use crate::source::{Files, modules, public_types};

/// Calls `$check` with each type and returns their names.
macro_rules! check_types {
    ($check:ident: $($type:ty),* $(,)?) => {{
        $($check::<$type>();)*
        [$(stringify!($type).split('<').next().unwrap()),*]
    }};
}

/// Checks each future and returns the names of the functions that return them.
macro_rules! check_futures {
    ($($name:literal: $future:expr),* $(,)?) => {{
        $(assert_future_is_send($future);)*
        [$($name),*]
    }};
}

fn assert_send<T: Send>() {}
fn assert_handle<T: Clone + Send + Sync + 'static>() {}
fn assert_future_is_send<F: Future + Send>(_: F) {}

#[test]
fn every_type_is_send() {
    let handles = check_types! { assert_handle:
        AccessToken, Assertion, Audit, AuthorizationCode, ClientCredentials, ClientSecret, Clock,
        CustomRegion, DataActions, Error, Event, FaultResponse, FileStore, FixedToken, HttpClient,
        Integrations, Login, MemoryStore, NewToken, OAuthClients, PlatformClient, RecordedRequest, Region,
        RetryPolicy, Rotation, Saml2Bearer, SandboxAssertions, SandboxListing, SandboxUser, Sealed,
        SealingKey, StoreKey, TokenInfo, TokenProvider, Vault,
    };
    let others = check_types! { assert_send:
        AuthorizationState, ClientState, Deletion, GrantType, NewOAuthClient<WithRoles>,
        OAuthAuthorization, OAuthClient, OAuthClientWithSecret, OAuthScope, OtherFields,
        RoleDivision, Usage, UsageDimension, UsageGranularity, UsageQuery, UsageRow,
        WithRedirectUris, WithRoles,
        AccessDenied, ApiError, Chunks, ConfigurationKind, CredentialSourceError, ErrorDetail,
        ErrorKind, Fault, FaultScope, FileTurn, Gate, Grant, InvalidAssertion, InvalidClient,
        InvalidConfiguration, InvalidGrantCause, InvalidRegion, LocalLogin, LoginBuilder,
        LoginError, LoginErrorKind, MemoryTurn, Month, NamedEntity, OAuthError, OAuthErrorKind,
        Pages<String>, PendingLogin, PlatformClientBuilder, PlatformLimit, RateLimit, RateLimited, RefreshTokens, Request,
        Response, Sandbox, SandboxBuilder, SandboxHost, StoreError, TokenExpired,
        TokenProviderBuilder, TransportError, TransportKind, Troubleshooting, UnexpectedResponse,
    };
    let administration = check_types! { assert_send:
        AuditReport, AuditedRole, Check, Credential, CredentialKind,
        CredentialType, DataAction, DataActionConfig, DataActionContract, DataActionError,
        DataActionErrorClass, DataActionFilter, DataActionRequest, DataActionResponse, DraftValidation,
        Finding, Integration, IntegrationConfiguration, IntendedState, JsonDocument,
        NewCredential, NewDataAction, NotChecked, PlannedCredential, Problem, ReplacedCredential,
        ReportedState, ReportedStateCode, RotatedCredential, RotationInterrupted,
        RotationPlan, RotationReport, Step, Subject, TestResult, TestStep,
    };
    let checked = handles
        .into_iter()
        .chain(others)
        .chain(administration)
        .chain(["IntoGrant", "TokenStore"])
        // Their features have tests of their own.
        .chain(["KeyringStore", "RedisStore", "RedisTurn"]);
    assert_complete(&checked.collect(), &public_types(&source(), "src/lib.rs"));
}

#[tokio::test]
async fn every_future_is_send() {
    let sandbox = Sandbox::start().await.unwrap();
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap();
    let mut checked = BTreeSet::from(check_futures! {
        "Sandbox::start": Sandbox::start(),
        "SandboxBuilder::start": Sandbox::builder().start(),
        "TokenProvider::authorization_header": tokens.authorization_header(),
        "TokenProvider::ready": tokens.ready(Duration::ZERO),
        "TokenProvider::revoke": tokens.revoke(),
        "TokenProvider::token": tokens.token(),
        "TokenProvider::token_info": tokens.token_info(),
    });
    checked.extend(check_admin(&tokens));
    checked.extend(check_data_actions(&tokens));
    checked.extend(check_integrations(&tokens));
    checked.extend(check_client(tokens).await);
    checked.extend(check_login());
    // Their caller's store decides.
    checked.extend(["store_conformance", "store_conformance_with_lost_turns"]);
    // Their feature has tests of its own.
    checked.extend(["KeyringStore::unlock", "SealingKey::keyring"]);
    assert_complete(&checked, &public_async_functions(&source()));
}

async fn check_client(tokens: TokenProvider) -> [&'static str; 8] {
    let api = PlatformClient::new(tokens);
    let get = || api.get("/api/v2/organizations/me");
    let mut chunks = get().send().await.unwrap().chunks();
    let mut pages = get().pages::<String>();
    let body = crate::client::upload::Chunks::new(["a"]);
    check_futures! {
        "Chunks::next": chunks.next(),
        "Pages::next": pages.next(),
        "Request::fetch": get().fetch::<serde_json::Value>(),
        "Request::send": get().send(),
        "Request::send": get().body_stream(body).send(),
        "Response::bytes": get().send().await.unwrap().bytes(),
        "Response::json": get().send().await.unwrap().json::<serde_json::Value>(),
        "Response::text": get().send().await.unwrap().text(),
    }
}

fn check_admin(tokens: &TokenProvider) -> [&'static str; 15] {
    let clients = PlatformClient::new(tokens.clone()).oauth_clients();
    let new = NewOAuthClient::client_credentials("a");
    let query = crate::admin::all_calls();
    check_futures! {
        "OAuthClients::authorization": clients.authorization("a"),
        "OAuthClients::authorizations": clients.authorizations(),
        "OAuthClients::create": clients.create(&new),
        "OAuthClients::delete": clients.delete("a"),
        "OAuthClients::disable": clients.disable("a"),
        "OAuthClients::enable": clients.enable("a"),
        "OAuthClients::get": clients.get("a"),
        "OAuthClients::list": clients.list(),
        "OAuthClients::organization_usage": clients.organization_usage(&query),
        "OAuthClients::regenerate_secret": clients.regenerate_secret("a"),
        "OAuthClients::scope": clients.scope("a"),
        "OAuthClients::scopes": clients.scopes(),
        "OAuthClients::update": clients.update("a", |_| {}),
        "OAuthClients::usage": clients.usage("a", &query),
        "OAuthClients::usage_summary": clients.usage_summary("a", 7),
    }
}

fn check_data_actions(tokens: &TokenProvider) -> [&'static str; 18] {
    let actions = PlatformClient::new(tokens.clone()).data_actions();
    let schema = || JsonDocument::parse("{}").unwrap();
    let contract = DataActionContract::new(schema(), schema());
    let config = DataActionConfig::new("GET", "/api/v2/users/me");
    let filter = DataActionFilter::default();
    let new = NewDataAction::new("a", "b", "c", config, contract);
    check_futures! {
        "DataActions::create": actions.create(&new),
        "DataActions::create_draft": actions.create_draft(&new),
        "DataActions::delete": actions.delete("a"),
        "DataActions::delete_draft": actions.delete_draft("a"),
        "DataActions::execute": actions.execute::<_, String>("a", "b"),
        "DataActions::get": actions.get("a"),
        "DataActions::get_draft": actions.get_draft("a"),
        "DataActions::list": actions.list(),
        "DataActions::list_by": actions.list_by(&filter),
        "DataActions::list_drafts": actions.list_drafts(),
        "DataActions::publish": actions.publish("a"),
        "DataActions::start_draft": actions.start_draft("a"),
        "DataActions::test": actions.test("a", "b"),
        "DataActions::test_draft": actions.test_draft("a", "b"),
        "DataActions::update": actions.update("a", |_| {}),
        "DataActions::update_draft": actions.update_draft("a", |_| {}),
        "DataActions::validate_draft": actions.validate_draft("a"),
        "Audit::run": PlatformClient::new(tokens.clone()).audit().run(),
    }
}

fn check_integrations(tokens: &TokenProvider) -> [&'static str; 20] {
    let api = PlatformClient::new(tokens.clone());
    let integrations = api.integrations();
    let new = NewCredential::new("a", CredentialKind::UserDefinedOAuth);
    let vault = Vault::new(async || Ok(None), async |_| Ok(()));
    let rotation = api.rotate_client_secret("a", vault, "journal");
    check_futures! {
        "Integrations::configuration": integrations.configuration("a"),
        "Integrations::configure": integrations.configure("a", |_| {}),
        "Integrations::create": integrations.create("a", "b"),
        "Integrations::create_credential": integrations.create_credential(&new),
        "Integrations::credential_types": integrations.credential_types(),
        "Integrations::delete": integrations.delete("a"),
        "Integrations::delete_credential": integrations.delete_credential("a"),
        "Integrations::disable": integrations.disable("a"),
        "Integrations::enable": integrations.enable("a"),
        "Integrations::get": integrations.get("a"),
        "Integrations::get_credential": integrations.get_credential("a"),
        "Integrations::list": integrations.list(),
        "Integrations::list_credentials": integrations.list_credentials(),
        "Integrations::replace_credential": integrations.replace_credential("a", &new),
        "Integrations::using_credential": integrations.using_credential("a"),
        "Integrations::wait_until_active": integrations.wait_until_active("a"),
        "Rotation::plan": rotation.plan(),
        "Rotation::recheck": rotation.recheck(),
        "Rotation::resume": rotation.resume(),
        "Rotation::run": rotation.run(),
    }
}

fn check_login() -> [&'static str; 6] {
    let app = AuthorizationCode::public("an-id", "http://localhost").unwrap();
    let login = Login::new(Region::EuWest1, app).unwrap();
    let pending = login.begin().unwrap();
    let local = login.listen("a name").unwrap();
    check_futures! {
        "LocalLogin::open_browser": local.open_browser(),
        "LocalLogin::pasted": local.pasted(""),
        "LocalLogin::redirected": local.redirected(),
        "Login::finish": login.finish(pending, "", "a name"),
        "Login::in_browser": login.in_browser("a name", |_| {}),
        "Login::saved": login.saved("a name"),
    }
}

#[tokio::test]
async fn every_future_of_a_store_is_send() {
    async fn check(store: impl TokenStore) {
        let key = StoreKey::for_tests("a key");
        assert_future_is_send(store.load(&key));
        let turn = async || store.take_turn(&key, Duration::ZERO).await.unwrap();
        assert_future_is_send(store.take_turn(&key, Duration::ZERO));
        assert_future_is_send(store.save(turn().await, &key, Sealed::from_bytes(Vec::new())));
        assert_future_is_send(store.remove(turn().await, &key));
    }
    check(MemoryStore::new()).await;
    let folder = tempfile::tempdir().unwrap();
    check(FileStore::in_folder(folder.path())).await;
}

fn source() -> Files {
    Files::read(&["src"], ".rs")
}

#[track_caller]
fn assert_complete(checked: &BTreeSet<&str>, public: &BTreeSet<String>) {
    let public: BTreeSet<_> = public.iter().map(String::as_str).collect();
    let missing: Vec<_> = public.symmetric_difference(checked).collect();
    assert!(missing.is_empty(), "not checked or not public: {missing:?}");
}

/// The public `async` functions of the crate. The lint `unreachable_pub` keeps others from being
/// `pub`.
fn public_async_functions(files: &Files) -> BTreeSet<String> {
    let is_public = |visibility: &_, function: &syn::Signature| {
        matches!(visibility, Visibility::Public(_)) && function.asyncness.is_some()
    };
    let mut names = BTreeSet::new();
    let modules = modules(files, "src/lib.rs").into_iter();
    for item in modules
        .filter(|module| !module.test_only)
        .flat_map(|module| module.syntax.items)
    {
        match item {
            Item::Fn(item) if is_public(&item.vis, &item.sig) => {
                names.insert(item.sig.ident.to_string());
            }
            Item::Impl(item) => {
                let Type::Path(of) = *item.self_ty else {
                    continue;
                };
                let of = &of.path.segments.last().unwrap().ident;
                names.extend(item.items.iter().filter_map(|item| match item {
                    ImplItem::Fn(item) if is_public(&item.vis, &item.sig) => {
                        Some(format!("{of}::{}", item.sig.ident))
                    }
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    names
}

#[test]
fn public_types_and_async_functions_are_found() {
    let files = Files::planted(&[(
        "src/lib.rs",
        "pub struct One<T>; impl<T> One<T> { pub async fn a(self) {} async fn b() {} pub fn c() {} }
        pub async fn d() {} struct B; #[cfg(test)] mod tests;",
    )]);
    assert_eq!(
        public_types(&files, "src/lib.rs"),
        ["One".to_owned()].into()
    );
    let functions = public_async_functions(&files);
    assert_eq!(functions, ["One::a".to_owned(), "d".to_owned()].into());
}
