//! Rotations: the old secret, the new one and the values of credentials.

use genesys_cloud_auth::{
    rotation::{RotatedCredential, Step},
    sandbox::Sandbox,
};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{
    Run,
    replies::{SECRET, TOKEN},
};
use crate::{
    admin::chain::{Chain, lookup},
    rotation::MemoryVault,
    support::{
        CLIENT_ID, good_token, provider_of, region_of,
        server::{Reply, Server},
    },
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
    let input = json!({ "email": "ada", "key": value });
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
    for step in Step::ALL {
        failed_at(run, step).await;
    }
}

/// A rotation that fails at a step. Where a request carries the new secret, the server repeats it.
async fn failed_at(run: &mut Run, step: Step) {
    let (secret, value) = ("pQ5xN8wK2vM7rT4yB9", "dF6hJ1sL8zC3gV5nX0");
    run.add_secret("a new secret that is repeated", secret);
    run.add_secret("a value that is repeated", value);
    let words = format!("{secret} is not valid");
    let echo = json!({
        "message": format!("{words} and {value}"), "code": secret, "status": 400,
        "details": [{ "errorCode": value, "fieldName": secret }],
    });
    let error = json!({ "message": "no", "code": "general.conflict", "status": 409 });
    let client = json!({ "id": "a", "name": "job", "accessTokenValiditySeconds": 600 });
    let renewed = json!({ "id": "a", "name": "job", "secret": secret });
    let credential = json!({ "id": "c", "name": "n", "type": { "name": "userDefinedOAuth" } });
    let listing = json!({ "entities": [credential] });
    let own = json!({ "OAuthClient": { "id": "other" } });
    let revoked = json!({});
    let mut good = vec![own, client, listing, renewed, credential, revoked];
    let (answered, last) = match step {
        Step::Regenerate => (3, (409, error)),
        Step::ReplaceCredentials => (4, (400, echo)),
        // The vault and the token endpoint fail before the last reply is needed.
        _ => (good.len(), (409, error)),
    };
    good.truncate(answered);
    let good = good.iter().map(|body| Reply::json(200, &body.to_string()));
    let mut replies: Vec<_> = good.collect();
    replies.push(Reply::json(last.0, &last.1.to_string()));
    let login = Server::start(good_token(TOKEN));
    if step == Step::ProveToken {
        let echo = json!({ "error": "invalid_scope", "error_description": words });
        login.answers([good_token(TOKEN), Reply::json(400, &echo.to_string())]);
    }
    let server = Server::start(replies[0].clone());
    server.answers_all(replies);
    // Not with the short timeout of the other runs: each step must be reached.
    let (tokens, _clock) = provider_of(region_of(&login, &server));
    let tokens = tokens.http_client(run.http_client.clone());
    let api = run.client_of(tokens.build().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.json");
    let vault = MemoryVault::default();
    vault.set_sealed(step == Step::Store);
    let credential = RotatedCredential::new("c", "n", "userDefinedOAuth".into())
        .field("other", value)
        .secret_field("client_secret");
    let rotation = api
        .rotate_client_secret("a", vault.vault(), &journal)
        .credential(credential)
        .execute("action", &json!({ "key": value }))
        .unwrap();
    let interrupted = rotation.run().await.unwrap_err();
    assert_eq!(interrupted.step(), step, "{interrupted:?}");
    run.debug(&interrupted);
    run.text(&interrupted.to_string());
    run.error(interrupted.error());
    run.debug(interrupted.report());
    run.text(&std::fs::read_to_string(&journal).unwrap());
}
