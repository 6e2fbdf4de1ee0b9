//! The rotation of a secret.

mod kills;
mod still_accepted;
mod tokens;

use std::{path::PathBuf, sync::Arc, time::Duration};

use genesys_cloud_auth::{
    ClientCredentials, PlatformClient, TokenProvider,
    error::ErrorKind,
    rotation::{RotatedCredential, Rotation, Step, Vault},
    sandbox::Sandbox,
};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    admin::chain::{Chain, lookup},
    support::{assert_contains, kind_of},
};

/// A data action, its client's vault, and a folder for the journal.
struct Place {
    chain: Chain,
    action: String,
    vault: MemoryVault,
    folder: TempDir,
}

/// A vault in memory, which can be told to fail.
#[derive(Clone, Default)]
pub struct MemoryVault(Arc<Mutex<(Option<SecretString>, bool)>>);

impl MemoryVault {
    pub fn vault(&self) -> Vault {
        let (reader, writer) = (self.clone(), self.clone());
        Vault::new(
            move || {
                let secret = reader.secret();
                async move { Ok(secret) }
            },
            move |secret| {
                let writer = writer.clone();
                async move {
                    if writer.0.lock().1 {
                        return Err("the vault is sealed".into());
                    }
                    writer.set_secret(secret);
                    Ok(())
                }
            },
        )
    }

    pub fn set_sealed(&self, sealed: bool) {
        self.0.lock().1 = sealed;
    }

    pub fn set_secret(&self, secret: SecretString) {
        self.0.lock().0 = Some(secret);
    }

    pub fn secret(&self) -> Option<SecretString> {
        self.0.lock().0.clone()
    }
}

impl Place {
    async fn start(tokens_survive: bool) -> Self {
        let builder = Sandbox::builder()
            .integration_activating(0)
            .data_action_tokens_survive_rotation(tokens_survive);
        let chain = Chain::start_with(builder).await;
        let action = chain.publish(lookup()).await;
        let vault = MemoryVault::default();
        vault.set_secret(chain.client.secret.clone());
        let folder = tempfile::tempdir().unwrap();
        let place = Self {
            chain,
            action,
            vault,
            folder,
        };
        // The integration has a token of the old secret from now on.
        place.rotation().recheck().await.unwrap();
        place
    }

    fn client_id(&self) -> &str {
        &self.chain.client.client.id
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.json")
    }

    fn write_journal(&self, text: &str) {
        std::fs::write(self.journal(), text).unwrap();
        #[cfg(unix)]
        {
            use std::{fs, os::unix::fs::PermissionsExt};
            fs::set_permissions(self.journal(), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn rotation(&self) -> Rotation {
        self.rotation_with(self.vault.vault())
    }

    fn rotation_with(&self, vault: Vault) -> Rotation {
        let (id, credential) = (self.client_id(), self.chain.credential.id.as_str());
        let api = &self.chain.api;
        api.rotate_client_secret(id, vault, self.journal())
            .credential(RotatedCredential::oauth_client(
                credential,
                "CRM lookup",
                id,
            ))
            .execute(&self.action, &json!({ "email": "ada" }))
            .unwrap()
    }

    async fn accepts(&self, secret: &SecretString) -> bool {
        let credentials = ClientCredentials::new(self.client_id(), secret.clone()).unwrap();
        let tokens = TokenProvider::new(self.chain.sandbox.region(), credentials).unwrap();
        tokens.token().await.is_ok()
    }

    /// Asserts what holds after every rotation.
    async fn assert_rotated(&self) {
        let secret = self.vault.secret().unwrap();
        assert!(self.accepts(&secret).await);
        assert!(!self.accepts(&self.chain.client.secret).await);
        // No token from before is left, so the credential itself is used.
        let day = Duration::from_secs(86_400);
        self.chain.sandbox.advance(2 * day);
        self.rotation().recheck().await.unwrap();
        assert_eq!(
            self.chain.api.oauth_clients().list().await.unwrap().len(),
            2
        );
        let left: Vec<_> = std::fs::read_dir(self.folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(self.rotation().resume().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn rotation_reaches_vault_credential_and_action() {
    for tokens_survive in [false, true] {
        let place = Place::start(tokens_survive).await;
        // Dates are compared by seconds.
        place.chain.sandbox.advance(Duration::from_secs(60));
        let report = place.rotation().run().await.unwrap();
        assert!(report.is_stored && report.is_secret_proven);
        assert!(report.credentials[0].is_date_later, "{report:?}");
        assert_eq!(report.credentials[0].id, place.chain.credential.id);
        assert_eq!(report.executed, [place.action.as_str()]);
        assert!(report.recheck_at.is_some());
        let date = report.secret_date.unwrap();
        assert!(report.recheck_at > Some(date));
        place.assert_rotated().await;
    }
}

#[tokio::test]
async fn plan_says_what_would_change_and_changes_nothing() {
    let place = Place::start(false).await;
    let before = place.chain.sandbox.requests().len();
    let plan = place.rotation().plan().await.unwrap();
    assert_eq!(plan.client_name, "CRM lookup");
    assert_eq!(plan.credentials[0].integrations, ["CRM lookup"]);
    assert_eq!(plan.credentials[0].secret_fields, ["clientSecret"]);
    assert_eq!(plan.actions, [place.action.as_str()]);
    let text = plan.to_string();
    assert_contains(&text, "used by CRM lookup");
    assert_contains(&text, &place.action);
    let requests = place.chain.sandbox.requests().split_off(before);
    assert!(
        requests.iter().all(|one| one.method() == "GET"),
        "{requests:?}"
    );
    assert!(!place.journal().exists());
    assert!(place.accepts(&place.chain.client.secret).await);
}

#[tokio::test]
async fn secret_that_the_vault_refuses_is_handed_back() {
    let place = Place::start(false).await;
    place.vault.set_sealed(true);
    let interrupted = place.rotation().run().await.unwrap_err();
    assert_eq!(interrupted.step(), Step::Store);
    assert_eq!(kind_of(interrupted.error()), "CredentialSource");
    let (text, debug) = (interrupted.to_string(), format!("{interrupted:?}"));
    assert_contains(&text, "into_secret");
    assert_contains(&debug, "sealed");
    assert!(!interrupted.report().is_stored);
    let secret = interrupted.into_secret().unwrap();
    for text in [
        text,
        debug,
        std::fs::read_to_string(place.journal()).unwrap(),
    ] {
        assert!(!text.contains(secret.expose_secret()), "{text}");
    }
    assert!(place.accepts(&secret).await);

    // A program that runs again does not begin another rotation by mistake.
    let error = place.rotation().run().await.unwrap_err();
    assert_contains(error.error(), "has not ended");
    assert!(error.into_secret().is_none());
    assert!(place.accepts(&secret).await);
    let error = place.rotation().resume().await.unwrap_err();
    assert_eq!(error.step(), Step::Store);
    place.vault.set_sealed(false);
    assert!(place.rotation().resume().await.unwrap().is_some());
    place.assert_rotated().await;
}

#[tokio::test]
async fn secret_stored_by_hand_is_used_and_not_replaced() {
    let place = Place::start(false).await;
    place.vault.set_sealed(true);
    let interrupted = place.rotation().run().await.unwrap_err();
    let secret = interrupted.into_secret().unwrap();
    place.vault.set_secret(secret.clone());
    assert!(place.rotation().resume().await.unwrap().is_some());
    let stored = place.vault.secret().unwrap();
    assert_eq!(stored.expose_secret(), secret.expose_secret());
    place.assert_rotated().await;
}

#[tokio::test]
async fn client_that_does_the_work_is_not_rotated() {
    let place = Place::start(false).await;
    let role = place.chain.sandbox.role_id();
    let clients = place.chain.api.oauth_clients();
    let update = clients.update(place.client_id(), |client| {
        let own = genesys_cloud_auth::admin::RoleDivision::new(role, "*");
        client.roles.push(own);
    });
    update.await.unwrap();
    let secret = place.chain.client.secret.clone();
    let credentials = ClientCredentials::new(place.client_id(), secret).unwrap();
    let tokens = TokenProvider::new(place.chain.sandbox.region(), credentials).unwrap();
    let api = PlatformClient::new(tokens);
    let rotation =
        api.rotate_client_secret(place.client_id(), place.vault.vault(), place.journal());
    for error in [
        rotation.plan().await.unwrap_err(),
        rotation.run().await.unwrap_err().error().clone(),
    ] {
        assert!(error.to_string().contains("use another client"), "{error}");
    }
    assert!(place.accepts(&place.chain.client.secret).await && !place.journal().exists());
}

#[tokio::test]
async fn what_cannot_work_is_refused_before_anything_changes() {
    let place = Place::start(false).await;
    let other = |id: &str| {
        let api = &place.chain.api;
        api.rotate_client_secret(id, place.vault.vault(), place.journal())
    };
    let credential = RotatedCredential::new("c", "c", "userDefinedOAuth".into());
    for (rotation, words) in [
        (other("unknown"), "404"),
        (
            place.rotation().credential(credential.clone()),
            "no place for the secret",
        ),
        (
            place.rotation().credential(credential.secret_field("s")),
            "does not exist",
        ),
    ] {
        let error = rotation.run().await.unwrap_err();
        assert!(error.error().to_string().contains(words), "{error:?}");
        assert_eq!(error.step(), Step::Regenerate);
    }
    assert!(place.accepts(&place.chain.client.secret).await && !place.journal().exists());

    place.write_journal(r#"{"client_id":"b","step":"store"}"#);
    let error = place.rotation().resume().await.unwrap_err();
    assert_contains(error.error(), "another OAuth client");
    place.write_journal("{}");
    let error = place.rotation().resume().await.unwrap_err();
    assert!(
        matches!(error.error().kind(), ErrorKind::Configuration(_)),
        "{error:?}"
    );
    assert!(place.accepts(&place.chain.client.secret).await);
}

#[tokio::test]
async fn action_that_fails_stops_the_rotation_until_it_works() {
    let place = Place::start(false).await;
    let path = format!("/api/v2/integrations/actions/{}/execute", place.action);
    let fault = place.chain.sandbox.at_api().path(path).respond(500);
    let interrupted = place.rotation().run().await.unwrap_err();
    assert_eq!(interrupted.step(), Step::ExecuteActions);
    let report = interrupted.report();
    assert!(report.is_secret_proven && report.executed.is_empty());
    let journal: Value = serde_json::from_slice(&std::fs::read(place.journal()).unwrap()).unwrap();
    let expected = json!({
        "client_id": place.client_id(),
        "step": "execute_actions",
        "secret_date": serde_json::to_value(report).unwrap()["secret_date"],
        "fingerprint": journal["fingerprint"],
    });
    assert_eq!(journal, expected);
    fault.remove();
    let secret = place.vault.secret().unwrap();
    let report = place.rotation().resume().await.unwrap().unwrap();
    assert_eq!(report.executed, [place.action.as_str()]);
    let stored = place.vault.secret().unwrap();
    assert_eq!(stored.expose_secret(), secret.expose_secret());
    place.assert_rotated().await;
}
