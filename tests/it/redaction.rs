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
fn no_secret_is_shown_where_all_goes_well() {
    assert_no_secret_is_shown(test_name!(), good::plain);
}

#[test]
fn no_secret_is_shown_over_tls() {
    assert_no_secret_is_shown(test_name!(), good::tls);
}

#[test]
fn no_secret_is_shown_where_the_token_endpoint_misbehaves() {
    assert_no_secret_is_shown(test_name!(), servers::bad_token_endpoint);
}

#[test]
fn no_secret_is_in_an_event() {
    assert_no_secret_is_shown(test_name!(), servers::events);
}

#[test]
fn no_secret_is_shown_where_the_api_misbehaves() {
    assert_no_secret_is_shown(test_name!(), servers::bad_api);
}

#[test]
fn token_of_the_caller_is_not_shown() {
    assert_no_secret_is_shown(test_name!(), servers::own_token);
}

#[test]
fn no_secret_is_shown_where_no_server_responds() {
    assert_no_secret_is_shown(test_name!(), servers::absent);
}

#[test]
fn no_secret_is_shown_where_a_token_is_useless() {
    assert_no_secret_is_shown(test_name!(), servers::useless_tokens);
}

#[test]
fn no_secret_is_shown_where_one_is_misplaced_or_malformed() {
    assert_no_secret_is_shown(test_name!(), misuse::wrong_place_or_form);
}

#[test]
fn no_secret_is_shown_where_something_panics() {
    assert_no_secret_is_shown(test_name!(), misuse::something_panics);
}

#[test]
fn no_secret_is_shown_by_the_sandbox() {
    assert_no_secret_is_shown(test_name!(), sandbox::all);
}

#[test]
fn no_secret_is_shown_where_users_log_in() {
    assert_no_secret_is_shown(test_name!(), login::all);
}

#[test]
fn no_secret_is_shown_by_stores() {
    assert_no_secret_is_shown(test_name!(), stores::all);
}

#[test]
fn no_secret_is_shown_where_assertions_are_sent() {
    assert_no_secret_is_shown(test_name!(), saml::all);
}

#[test]
fn no_secret_is_shown_by_administration() {
    assert_no_secret_is_shown(test_name!(), admin::all);
}

#[test]
fn no_secret_is_shown_by_an_audit() {
    assert_no_secret_is_shown(test_name!(), audit::all);
}

#[test]
fn no_secret_is_shown_by_a_rotation() {
    assert_no_secret_is_shown(test_name!(), rotation::all);
}

#[test]
fn every_public_type_and_every_kind_of_error_is_shown() {
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
