//! Every public type and every future of the public API is `Send`.

use std::{collections::BTreeSet, time::Duration};

use genesys_cloud_auth::*;
use syn::{ImplItem, Item, Type, Visibility};

use crate::source::{Files, modules, public_types};

/// Checks each type with `$check` and returns their names.
macro_rules! check_types {
    ($check:ident: $($type:ty),* $(,)?) => {{
        $($check::<$type>();)*
        [$(stringify!($type)),*].map(|name| name.split('<').next().unwrap())
    }};
}

/// Checks each future and returns the names of the functions.
macro_rules! check_futures {
    ($($name:literal: $future:expr),* $(,)?) => {{
        $(is_send_future($future);)*
        [$($name),*]
    }};
}

fn is_send<T: Send>() {}
fn is_handle<T: Clone + Send + Sync + 'static>() {}
fn is_send_future<F: Future + Send>(_: F) {}

#[test]
fn every_type_is_send() {
    let handles = check_types! { is_handle:
        AccessToken,
    };
    let others = check_types! { is_send:
        Chunks,
    };
    let traits = ["TokenStore"];
    let checked: BTreeSet<_> = handles.iter().chain(&others).chain(&traits).copied().collect();
    let public = public_types(&Files::read(&["src"], ".rs"), "src/lib.rs");
    let public: BTreeSet<_> = public.iter().map(String::as_str).collect();
    let missing: Vec<_> = public.difference(&checked).collect();
    assert!(missing.is_empty(), "not checked: {missing:?}");
}

#[tokio::test]
async fn every_future_is_send() {
    let mut checked = BTreeSet::new();
    checked.extend(of_login());
    checked.extend(of_client().await);
    let async_functions = public_async_functions(&Files::read(&["src"], ".rs"));
    let names: BTreeSet<_> = async_functions.iter().map(String::as_str).collect();
    let missing: Vec<_> = names.difference(&checked).collect();
    assert!(missing.is_empty(), "not checked: {missing:?}");
}

fn of_login() -> [&'static str; 6] {
    let app = AuthorizationCode::public("an-id", "http://localhost").unwrap();
    let login = Login::new(Region::EuWest1, app).unwrap();
    let pending = login.begin().unwrap();
    let local = login.listen("a name").unwrap();
    check_futures! {
        "Login::finish": login.finish(pending, "", "a name"),
        "Login::saved": login.saved("a name"),
        "Login::in_browser": login.in_browser("a name", |_| {}),
        "LocalLogin::open_browser": local.open_browser(),
        "LocalLogin::redirected": local.redirected(),
        "LocalLogin::pasted": local.pasted(""),
    }
}
