//! The tokens of a rotation: the one that does the work, and the one that proves the secret.

use genesys_cloud_auth::{
    admin::{NewOAuthClient, WithRedirectUris},
    rotation::Step,
    sandbox::Sandbox,
};
use secrecy::ExposeSecret;

use super::{MemoryVault, Place};
use crate::support::cloud::client_of;

/// Such a client gets no token by its secret alone: its secret is accepted, and its grant is not.
#[tokio::test]
async fn secret_of_a_client_of_another_grant_is_proven() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client_of(&sandbox);
    let (uris, scopes) = (["http://localhost"], ["users:readonly"]);
    let code: NewOAuthClient<WithRedirectUris> =
        NewOAuthClient::authorization_code("Agent desktop", uris, scopes);
    for new in [code, NewOAuthClient::saml2_bearer("SSO", uris, scopes)] {
        let client = api.oauth_clients().create(&new).await.unwrap().client;
        let (vault, folder) = (MemoryVault::default(), tempfile::tempdir().unwrap());
        let journal = folder.path().join("journal.json");
        let rotation = api.rotate_client_secret(&client.id, vault.vault(), journal);
        let report = rotation.run().await.unwrap();
        assert!(report.is_stored && report.is_secret_proven);

        // A rotation that is resumed keeps the stored secret, since it is accepted.
        let fault = sandbox.at_token_endpoint().respond(503);
        let interrupted = rotation.run().await.unwrap_err();
        assert_eq!(interrupted.step(), Step::ProveToken);
        fault.remove();
        let stored = vault.secret().unwrap();
        let report = rotation.resume().await.unwrap().unwrap();
        assert!(report.is_secret_proven);
        let kept = vault.secret().unwrap();
        assert_eq!(kept.expose_secret(), stored.expose_secret());
    }
}

/// A service that rotates secrets may have been idle for longer than its tokens live unused.
#[tokio::test]
async fn rejected_token_of_the_rotating_client_is_replaced() {
    let place = Place::start(false).await;
    let before = place.chain.sandbox.token_requests();
    place.chain.sandbox.revoke_access_tokens();
    place.rotation().plan().await.unwrap();
    assert_eq!(place.chain.sandbox.token_requests(), before + 1);
    place.chain.sandbox.revoke_access_tokens();
    place.rotation().run().await.unwrap();
    place.assert_rotated().await;
}
