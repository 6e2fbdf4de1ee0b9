//! Plants secrets and searches for them in everything that a program can see. Each test runs in a
//! process of its own, so that the output of all its threads is captured.

mod admin;
mod audit;
mod good;
mod integrations;
mod list;
mod login;
mod misuse;
mod planted;
mod replies;
mod rotation;
mod run;
mod saml;
mod sandbox;
mod servers;
mod stores;

use crate::support::{
    isolated::{run_isolated, test_name},
    sentinels::find,
};
use run::Run;

#[test]
fn no_secret_is_shown_over_tls() {
    assert_no_secret_is_shown(test_name!(), good::tls);
}

#[test]
fn token_of_the_caller_is_not_shown() {
    assert_no_secret_is_shown(test_name!(), servers::own_token);
}

#[test]
fn no_secret_is_shown_where_something_panics() {
    assert_no_secret_is_shown(test_name!(), misuse::something_panics);
}

/// The flows together show every public type and every kind of error.
#[test]
fn no_secret_is_shown_by_any_type_or_error() {
    assert_no_secret_is_shown(test_name!(), async |run| {
        good::plain(run).await;
        servers::bad_token_endpoint(run).await;
        servers::events(run).await;
        servers::bad_api(run).await;
        servers::absent(run).await;
        servers::useless_tokens(run).await;
        misuse::wrong_place_or_form(run).await;
        sandbox::all(run).await;
        login::all(run).await;
        saml::all(run).await;
        stores::all(run).await;
        admin::all(run).await;
        audit::all(run).await;
        rotation::all(run).await;
        let gaps = list::gaps(run.shown());
        assert!(gaps.is_empty(), "\n{}\n", gaps.join("\n"));
    });
}

/// Runs `flow` in a process of its own, which shows no secret and prints nothing.
fn assert_no_secret_is_shown(test: &str, flow: impl AsyncFnOnce(&mut Run)) {
    let Some(output) = run_isolated(test) else {
        return Run::of(flow);
    };
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
}
