//! Sentinels for secrets, looked for in everything that anybody can see. Each test has a process of
//! its own, so that all of its threads are heard.

mod good;
mod list;
mod login;
mod misuse;
mod planted;
mod replies;
mod run;
mod saml;
mod sandbox;
mod servers;
mod stores;

use crate::support::{isolated::run_isolated, sentinels::find};
use run::Run;

#[test]
fn no_secret_is_shown_where_all_goes_well() {
    heard("no_secret_is_shown_where_all_goes_well", good::plain);
}

#[test]
fn no_secret_is_shown_over_tls() {
    heard("no_secret_is_shown_over_tls", good::tls);
}

#[test]
fn no_secret_is_shown_where_the_token_endpoint_misbehaves() {
    heard(
        "no_secret_is_shown_where_the_token_endpoint_misbehaves",
        servers::bad_token_endpoint,
    );
}

#[test]
fn no_secret_is_in_an_event() {
    heard("no_secret_is_in_an_event", servers::events);
}

#[test]
fn no_secret_is_shown_where_the_api_misbehaves() {
    heard(
        "no_secret_is_shown_where_the_api_misbehaves",
        servers::bad_api,
    );
}

#[test]
fn a_token_of_the_callers_own_is_not_shown_either() {
    heard(
        "a_token_of_the_callers_own_is_not_shown_either",
        servers::own_token,
    );
}

#[test]
fn no_secret_is_shown_where_nobody_is_there() {
    heard("no_secret_is_shown_where_nobody_is_there", servers::absent);
}

#[test]
fn no_secret_is_shown_where_a_token_is_of_no_use() {
    heard(
        "no_secret_is_shown_where_a_token_is_of_no_use",
        servers::useless_tokens,
    );
}

#[test]
fn no_secret_is_shown_where_it_is_given_in_the_wrong_place_or_form() {
    heard(
        "no_secret_is_shown_where_it_is_given_in_the_wrong_place_or_form",
        misuse::wrong_place_or_form,
    );
}

#[test]
fn no_secret_is_shown_where_something_panics() {
    heard(
        "no_secret_is_shown_where_something_panics",
        misuse::something_panics,
    );
}

#[test]
fn no_secret_is_shown_by_the_sandbox() {
    heard("no_secret_is_shown_by_the_sandbox", sandbox::all);
}

#[test]
fn no_secret_is_shown_where_users_log_in() {
    heard("no_secret_is_shown_where_users_log_in", login::all);
}

#[test]
fn no_secret_is_shown_by_what_keeps_it() {
    heard("no_secret_is_shown_by_what_keeps_it", stores::kept);
}

#[test]
fn no_secret_is_shown_where_assertions_are_brought() {
    heard("no_secret_is_shown_where_assertions_are_brought", saml::all);
}

#[test]
fn every_public_type_and_every_kind_of_error_is_shown() {
    heard(
        "every_public_type_and_every_kind_of_error_is_shown",
        async |run| {
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
            stores::kept(run).await;
            let gaps = list::gaps(run.shown());
            assert!(gaps.is_empty(), "\n{}\n", gaps.join("\n"));
        },
    );
}

/// Does `flow` in a process of the test's own. Nothing of a secret is seen there, and nothing is
/// printed at all.
fn heard(test: &str, flow: impl AsyncFnOnce(&mut Run)) {
    let Some(printed) = run_isolated(&format!("redaction::{test}")) else {
        return Run::of(flow);
    };
    assert_eq!((printed.stdout.as_str(), printed.stderr.as_str()), ("", ""));
}
