//! Rotations that are killed at every step.

use std::time::Duration;

use genesys_cloud_auth::{rotation::Vault, sandbox::FaultScope};

use super::Place;

/// Where a rotation is killed.
#[derive(Clone, Copy, Debug)]
enum At {
    Client,
    Credential,
    Secret,
    Token,
    Action,
}

const EACH: [At; 5] = [
    At::Client,
    At::Credential,
    At::Secret,
    At::Token,
    At::Action,
];

impl At {
    fn scope(self, place: &Place) -> FaultScope<'_> {
        let sandbox = &place.chain.sandbox;
        let id = place.client_id();
        match self {
            Self::Client => sandbox.at_api().path(format!("/api/v2/oauth/clients/{id}")),
            Self::Secret => {
                let path = format!("/api/v2/oauth/clients/{id}/secret");
                sandbox.at_api().path(path)
            }
            Self::Credential => {
                let id = &place.chain.credential.id;
                let path = format!("/api/v2/integrations/credentials/{id}");
                sandbox.at_api().path(path)
            }
            Self::Token => sandbox.at_token_endpoint(),
            Self::Action => {
                let path = format!("/api/v2/integrations/actions/{}/execute", place.action);
                sandbox.at_api().path(path)
            }
        }
    }
}

/// Continues as a program does that starts again. Only before the first step there is nothing to resume.
async fn start_again(place: &Place, has_begun: bool) {
    let rotation = place.rotation();
    assert_eq!(rotation.resume().await.unwrap().is_some(), has_begun);
    if !has_begun {
        rotation.run().await.unwrap();
    }
    place.assert_rotated().await;
}

#[tokio::test]
async fn rotation_killed_before_a_request_is_done_is_resumed() {
    for tokens_survive in [false, true] {
        for step in EACH {
            let place = Place::start(tokens_survive).await;
            let gate = step.scope(&place).gate();
            let rotation = place.rotation();
            let run = tokio::spawn(async move { rotation.run().await.is_ok() });
            let held = tokio::time::timeout(LIMIT, gate.wait_for(1)).await;
            held.unwrap_or_else(|_| panic!("{step:?} was not reached"));
            run.abort();
            assert!(run.await.unwrap_err().is_cancelled());
            drop(gate);
            place.chain.sandbox.clear_faults();
            start_again(&place, !matches!(step, At::Client)).await;
        }
    }
}

#[tokio::test]
async fn rotation_whose_response_is_lost_is_resumed() {
    for tokens_survive in [false, true] {
        for step in EACH {
            let place = Place::start(tokens_survive).await;
            let fault = step.scope(&place).drop_response();
            let interrupted = place.rotation().run().await.unwrap_err();
            assert!(interrupted.into_secret().is_none());
            fault.remove();
            start_again(&place, !matches!(step, At::Client)).await;
        }
    }
}

#[tokio::test]
async fn rotation_killed_in_the_vault_is_resumed() {
    for is_stored in [false, true] {
        let place = Place::start(true).await;
        let (vault, reached) = (place.vault.clone(), tokio::sync::Semaphore::new(0));
        let reached = std::sync::Arc::new(reached);
        let signal = reached.clone();
        let stalls = Vault::new(
            || async { Ok(None) },
            move |secret| {
                let (vault, signal) = (vault.clone(), signal.clone());
                async move {
                    if is_stored {
                        vault.set_secret(secret);
                    }
                    signal.add_permits(1);
                    std::future::pending().await
                }
            },
        );
        let api = place.chain.api.clone();
        let rotation = api.rotate_client_secret(place.client_id(), stalls, place.journal());
        let run = tokio::spawn(async move { rotation.run().await.is_ok() });
        let _permit = tokio::time::timeout(LIMIT, reached.acquire())
            .await
            .unwrap();
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
        start_again(&place, true).await;
    }
}

const LIMIT: Duration = Duration::from_secs(20);
