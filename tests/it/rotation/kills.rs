//! Rotations that are killed at every step, and those whose responses are lost there.

use std::{future::pending, sync::Arc, time::Duration};

use genesys_cloud_auth::{
    rotation::{Rotation, RotationReport, Step, Vault},
    sandbox::FaultScope,
};
use tokio::sync::Semaphore;

use super::Place;

/// A request of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the first step.
    Client,
    Secret,
    Credential,
    Token,
    Action,
}

/// Returns the requests of a step. That which hands the secret to the vault sends none.
fn requests_of(step: Step) -> &'static [At] {
    match step {
        Step::Regenerate => &[At::Client, At::Secret],
        Step::Store => &[],
        Step::ReplaceCredentials => &[At::Credential],
        Step::ProveToken => &[At::Token],
        Step::ExecuteActions => &[At::Action],
        other => panic!("{other}"),
    }
}

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
async fn start_again(place: &Place, has_begun: bool) -> RotationReport {
    let rotation = place.rotation();
    let resumed = rotation.resume().await.unwrap();
    assert_eq!(resumed.is_some(), has_begun);
    let report = match resumed {
        Some(report) => report,
        None => rotation.run().await.unwrap(),
    };
    place.assert_rotated().await;
    report
}

/// Runs a rotation, and kills it when `reached` ends.
async fn kill(rotation: Rotation, step: Step, reached: impl Future<Output = ()>) {
    let run = tokio::spawn(async move { rotation.run().await.is_ok() });
    let reached = tokio::time::timeout(LIMIT, reached).await;
    reached.unwrap_or_else(|_| panic!("{step:?} was not reached"));
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
}

/// Kills a rotation inside the vault, before or after it has stored the secret.
async fn kill_in_vault(place: &Place, is_stored: bool) {
    let (vault, reached) = (place.vault.clone(), Arc::new(Semaphore::new(0)));
    let signal = Arc::clone(&reached);
    let stalls = Vault::new(
        || async { Ok(None) },
        move |secret| {
            let (vault, signal) = (vault.clone(), Arc::clone(&signal));
            async move {
                if is_stored {
                    vault.set_secret(secret);
                }
                signal.add_permits(1);
                pending().await
            }
        },
    );
    let rotation = place.rotation_with(stalls);
    let reached = async { drop(reached.acquire().await) };
    kill(rotation, Step::Store, reached).await;
}

#[tokio::test]
async fn rotation_killed_before_a_request_is_done_is_resumed() {
    for tokens_survive in [false, true] {
        for step in Step::ALL {
            for at in requests_of(step) {
                let place = Place::start(tokens_survive).await;
                let gate = at.scope(&place).gate();
                kill(place.rotation(), step, gate.wait_for(1)).await;
                drop(gate);
                place.chain.sandbox.clear_faults();
                start_again(&place, *at != At::Client).await;
            }
        }
    }
}

#[tokio::test]
async fn rotation_whose_response_is_lost_is_resumed() {
    for tokens_survive in [false, true] {
        for step in Step::ALL {
            for at in requests_of(step) {
                let place = Place::start(tokens_survive).await;
                let fault = at.scope(&place).drop_response();
                let interrupted = place.rotation().run().await.unwrap_err();
                assert_eq!(interrupted.step(), step, "{at:?}");
                let generated = interrupted.report().secret_date;
                assert_eq!(generated.is_some(), step != Step::Regenerate, "{at:?}");
                assert!(interrupted.into_secret().is_none());
                fault.remove();
                let report = start_again(&place, *at != At::Client).await;
                // The journal has no fractions of a second.
                let date = report.secret_date.unwrap();
                let difference = generated.unwrap_or(date).duration_since(date).unwrap();
                assert!(difference < Duration::from_secs(1), "{at:?}");
            }
        }
    }
}

#[tokio::test]
async fn rotation_killed_in_the_vault_is_resumed() {
    for tokens_survive in [false, true] {
        for is_stored in [false, true] {
            let place = Place::start(tokens_survive).await;
            kill_in_vault(&place, is_stored).await;
            start_again(&place, true).await;
        }
    }
}

/// A journal names a step that began and may have done nothing.
#[tokio::test]
async fn journal_of_each_step_is_resumed() {
    for tokens_survive in [false, true] {
        for step in Step::ALL {
            let place = Place::start(tokens_survive).await;
            let step = serde_json::to_value(step).unwrap();
            let entry = serde_json::json!({ "client_id": place.client_id(), "step": step });
            place.write_journal(&entry.to_string());
            let report = place.rotation().resume().await.unwrap().unwrap();
            assert!(report.is_secret_proven, "{step}");
            // The journal of an earlier version has no date.
            assert_eq!(report.secret_date.is_some(), step == "regenerate");
            if step == "regenerate" {
                place.assert_rotated().await;
            } else {
                // The vault's secret is still the client's, and is not replaced.
                let secret = place.vault.secret().unwrap();
                assert!(
                    place.accepts(&secret).await && place.accepts(&place.chain.client.secret).await
                );
            }
            assert!(!place.journal().exists());
        }
    }
}

const LIMIT: Duration = Duration::from_secs(20);
