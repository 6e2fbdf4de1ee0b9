//! The example `data_action`, on the sandbox.

use super::{readme::assert_is_documented, support::example::assert_fails};

#[path = "../../examples/data_action.rs"]
#[allow(dead_code, reason = "a program with parts of its own")]
mod data_action;

#[tokio::test]
async fn it_creates_an_action_and_cures_it_after_a_rotation() {
    let mut out = Vec::new();
    let output = &mut data_action::terminal::Output::new(&mut out, 80);
    data_action::run_on_sandbox(output).await.unwrap();
    assert_is_documented(&String::from_utf8(out).unwrap());
}

#[tokio::test]
async fn wrong_arguments_are_reported() {
    assert_fails(
        "data_action",
        &["one"],
        "the arguments are none, or ROLE EMAIL",
    )
    .await;
}
