//! Rotations: the old secret, the new one and the values of credentials.

use genesys_cloud_auth::{rotation::RotatedCredential, sandbox::Sandbox};
use secrecy::ExposeSecret;

use super::{Run, replies::SECRET};
use crate::{
    admin::chain::{Chain, lookup},
    rotation::MemoryVault,
    support::CLIENT_ID,
};

pub async fn all(run: &mut Run) {
    let builder = Sandbox::builder().client(CLIENT_ID, SECRET);
    let chain = Chain::start_with(builder.integration_activating(0)).await;
    run.add_secret("the old secret", chain.client.secret.expose_secret());
    let value = "kV3nW8tQ5zR1yB7mX2";
    run.add_secret("a value of a credential", value);
    let action = chain.publish(lookup()).await;
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.json");
    let vault = MemoryVault::default();
    let (id, credential) = (&chain.client.client.id, &chain.credential.id);
    let credential = RotatedCredential::oauth_client(credential, "CRM lookup", id);
    run.debug(&credential.clone().field("other", value));
    let input = serde_json::json!({ "email": "ada", "key": value });
    let rotation = chain.api.rotate_client_secret(id, vault.vault(), &journal);
    let rotation = rotation.credential(credential).execute(&action, &input);
    let rotation = rotation.unwrap();
    run.debug(&rotation);
    run.debug(&vault.vault());
    let plan = rotation.plan().await.unwrap();
    run.debug(&plan);
    run.debug(&plan.credentials[0]);
    run.text(&plan.to_string());
    run.text(&serde_json::to_string(&plan).unwrap());

    vault.set_sealed(true);
    let interrupted = rotation.run().await.unwrap_err();
    run.text(&std::fs::read_to_string(&journal).unwrap());
    run.debug(&interrupted);
    run.debug(&interrupted.step());
    run.text(&interrupted.to_string());
    run.error(interrupted.error());
    let secret = interrupted.into_secret().unwrap();
    run.add_secret("a new secret", secret.expose_secret());

    vault.set_sealed(false);
    let report = rotation.resume().await.unwrap().unwrap();
    let secret = vault.secret().unwrap();
    run.add_secret("a second new secret", secret.expose_secret());
    run.debug(&report);
    run.debug(&report.credentials[0]);
    run.text(&serde_json::to_string(&report).unwrap());
}
