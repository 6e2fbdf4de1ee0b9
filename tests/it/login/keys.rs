//! Sealing keys of logins.

use genesys_cloud_auth::store::{MemoryStore, SealingKey};
use tokio::time::timeout;

use super::*;

/// Settings for the current and the former key may hold the same one, before the first rotation.
#[tokio::test]
async fn key_that_is_its_own_former_key_delays_no_login() {
    let sandbox = sandbox().await;
    let key = SealingKey::generate().unwrap();
    let key = key.clone().also_reads(key);
    let builder = builder(&sandbox, WEB).store(MemoryStore::new(), key);
    let login = builder.build().unwrap();
    let logged_in = timeout(TEST_TIMEOUT, log_in(&sandbox, &login, "session-1")).await;
    let tokens = logged_in.expect("the login waits for itself");
    assert_eq!(user_of(&tokens).await, sandbox.users()[0].email());
}
