//! A token that the API refuses, in between other failures.

use super::{Cloud, PATH, quick};
use crate::support::{
    kind_of,
    server::{End, Reply},
};

#[tokio::test]
async fn a_refused_token_costs_none_of_the_attempts() {
    let cloud = Cloud::start();
    cloud.api.answers([
        Reply::json(503, ""),
        refusal("the first"),
        Reply::none(End::Reset),
        Reply::json(200, "{}"),
    ]);
    let call = cloud.client.get(PATH).retry(quick().attempts(3));
    call.send().await.unwrap();
    assert_eq!(cloud.seen(), (2, 4));
}

#[tokio::test]
async fn a_call_replaces_its_token_once_whatever_comes_in_between() {
    for between in [Reply::json(503, ""), Reply::none(End::Reset)] {
        let cloud = Cloud::start();
        cloud
            .api
            .answers([refusal("the first"), between, refusal("another")]);
        let error = cloud.client.get(PATH).send().await.unwrap_err();
        assert_eq!(kind_of(&error), "Api");
        assert!(error.to_string().contains("the first"), "{error}");
        assert_eq!(cloud.seen(), (2, 3));
    }
}

#[tokio::test]
async fn a_post_whose_token_was_refused_is_sent_once_more() {
    let cloud = Cloud::start();
    cloud
        .api
        .answers([refusal("the first"), Reply::json(503, "")]);
    let error = cloud.client.post(PATH).body(&1).send().await.unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert_eq!(cloud.seen(), (2, 2));
}

#[tokio::test]
async fn an_address_that_is_not_authorised_is_neither_a_new_token_nor_a_repetition() {
    let cloud = Cloud::start();
    cloud
        .api
        .answers([Reply::json(401, r#"{"code":"ip.not.authorized"}"#)]);
    let error = cloud.client.get(PATH).send().await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(cloud.seen(), (1, 1));
}

fn refusal(message: &str) -> Reply {
    Reply::json(
        401,
        &format!(r#"{{"code":"bad.credentials","message":"{message}"}}"#),
    )
}
