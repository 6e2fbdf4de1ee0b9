//! An old secret that the token endpoint still accepts.

use genesys_cloud_auth::sandbox::FaultResponse;

use super::Place;

/// A part of the token endpoint may not know the new secret yet.
#[tokio::test]
async fn old_secret_that_is_still_accepted_is_not_continued_with() {
    let place = Place::start(false).await;
    place.vault.set_sealed(true);
    let interrupted = place.rotation().run().await.unwrap_err();
    assert!(interrupted.into_secret().is_some());
    // The vault has the old secret.
    place.vault.set_sealed(false);
    let token = r#"{"access_token":"a-token","token_type":"bearer","expires_in":300}"#;
    let accepted = FaultResponse::new(200).body(token);
    let endpoint = place.chain.sandbox.at_token_endpoint();
    let fault = endpoint.respond(accepted);
    assert!(place.rotation().resume().await.unwrap().is_some());
    fault.remove();
    place.assert_rotated().await;
}
