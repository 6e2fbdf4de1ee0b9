//! Processes that renew one login with a single-use refresh token.

use std::collections::BTreeSet;

use genesys_cloud_auth::PlatformClient;
use serde_json::Value;

use super::*;
use crate::support::child_process::{ChildProcess, read_from_parent, send_to_parent};

const PROCESSES: usize = 20;
const ROTATIONS: usize = 100;

/// In turn, all tokens expire by the clock or are rejected by the API.
#[test]
fn twenty_processes_rotate_a_token_a_hundred_times() {
    let test = "processes::rotation::twenty_processes_rotate_a_token_a_hundred_times";
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(use_the_login(&here));
    }
    let runtime = runtime();
    let site = runtime.block_on(Site::logged_in(RefreshTokens::Rotating));
    let mut children: Vec<_> = (0..PROCESSES)
        .map(|_| ChildProcess::start(&mut site.child(test, &[])))
        .collect();
    let mut seen = BTreeSet::new();
    for rotation in 1..=ROTATIONS {
        let moved = if rotation % 2 == 0 {
            LIFE.as_secs()
        } else {
            site.sandbox.expire_access_tokens();
            60
        };
        let email = site.sandbox.users()[0].email().to_owned();
        for child in &mut children {
            child.send(&moved.to_string());
        }
        let tokens = children.iter_mut().map(|child| {
            let said = child.next_message().expect("no process ends");
            let (user, token) = said.split_once(' ').unwrap();
            assert_eq!(user, email);
            token.to_owned()
        });
        let tokens: BTreeSet<_> = tokens.collect();
        assert_eq!(tokens.len(), 1, "one token for all in rotation {rotation}");
        assert!(seen.is_disjoint(&tokens), "an old one in {rotation}");
        seen.extend(tokens);
        assert_eq!(site.sandbox.refresh_requests(), rotation);
    }
    assert_eq!(site.sandbox.refresh_reuses(), 0);
    assert_eq!(site.sandbox.token_requests(), 1 + ROTATIONS);
    drop(children);
    site.assert_tidy();
}

async fn use_the_login(here: &ChildSite) {
    let (tokens, clock) = here.saved(here.store()).await;
    let api = PlatformClient::new(tokens.clone());
    let mut moved = read_from_parent();
    while !moved.is_empty() {
        clock.advance(seconds(moved.parse().unwrap()));
        let me: Value = api.get("/api/v2/users/me").fetch().await.unwrap();
        let token = tokens.token().await.unwrap();
        let email = me["email"].as_str().unwrap();
        send_to_parent(&format!("{email} {}", hash_of(&token)));
        moved = read_from_parent();
    }
}
