//! Rotations while the data action is executed: with a second client, and without.

use std::{
    error::Error as StdError,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use genesys_cloud_auth::{
    admin::NewOAuthClient,
    rotation::{RotatedCredential, Rotation, Vault},
    secrecy::SecretString,
};
use parking_lot::Mutex;
use tempfile::TempDir;

use super::{
    chain::{Chain, Created, NAME},
    load::{Executions, Load},
    terminal::Output,
};

/// Moves the integration from the first client to a second one, and deletes the first.
pub(crate) async fn with_second_client(
    chain: &Chain,
    created: &mut Created,
    out: &mut Output<impl Write>,
) -> Result<Executions, Box<dyn StdError>> {
    let clients = chain.api.oauth_clients();
    let first_id = created.clients.first().ok_or("there is no client")?.clone();
    let load = Load::start(chain);
    load.wait_for_each_worker().await;

    let first = clients.get(&first_id).await?;
    let mut new = NewOAuthClient::client_credentials(&first.name)
        .description(first.description.unwrap_or_default());
    for role in &first.roles {
        new = new.role(&role.role_id, &role.division_id);
    }
    let second = clients.create(&new).await?;
    created.clients.push(second.client.id.clone());
    out.row("second client", &second.client.id)?;

    chain.set_client(&second).await?;
    out.row("credential", "has the second client's id and secret")?;
    load.wait_for_each_worker().await;

    // What was forgotten would fail now, and could still be cured.
    clients.disable(&first_id).await?;
    load.wait_for_each_worker().await;
    let executions = load.executions();
    drop(load);
    clients.delete(&first_id).await?;
    created.clients.retain(|id| *id != first_id);
    out.row("first client", "disabled, so that its tokens end; deleted")?;
    out.row("executions", executions)?;
    Ok(executions)
}

/// A rotation of the one client, whose vault is closed at first.
pub(crate) struct UnderLoad {
    rotation: Rotation,
    vault: MemoryVault,
    load: Load,
    /// Where the journal is.
    _folder: TempDir,
}

/// Prepares a rotation of the client's secret, and starts the load.
pub(crate) fn without_second_client(
    chain: &Chain,
    created: &Created,
) -> Result<UnderLoad, Box<dyn StdError>> {
    let client_id = created.clients.first().ok_or("there is no client")?;
    let vault = MemoryVault::default();
    let folder = tempfile::tempdir()?;
    let journal = folder.path().join("journal.json");
    let credential = RotatedCredential::oauth_client(&chain.credential_id, NAME, client_id);
    let rotation = chain
        .api
        .rotate_client_secret(client_id, vault.vault(), journal)
        .credential(credential)
        .execute(&chain.action_id, &chain.input)?;
    Ok(UnderLoad {
        rotation,
        vault,
        load: Load::start(chain),
        _folder: folder,
    })
}

impl UnderLoad {
    /// Begins the rotation, which the closed vault interrupts: the old secret is invalid, and the
    /// credential still has it.
    pub(crate) async fn interrupt(
        &self,
        out: &mut Output<impl Write>,
    ) -> Result<Executions, Box<dyn StdError>> {
        self.load.wait_for_each_worker().await;
        match self.rotation.run().await {
            Ok(_) => return Err("the vault was not closed".into()),
            Err(interrupted) => out.row("interrupted", interrupted)?,
        }
        self.load.wait_for_each_worker().await;
        let executions = self.load.executions();
        out.row("executions", executions)?;
        if let Some(error) = self.load.last_error() {
            out.failure(&error)?;
        }
        Ok(executions)
    }

    /// Opens the vault and continues the rotation.
    pub(crate) async fn resume(
        self,
        chain: &Chain,
        out: &mut Output<impl Write>,
    ) -> Result<Executions, Box<dyn StdError>> {
        self.vault.is_open.store(true, Ordering::SeqCst);
        let report = self.rotation.resume().await?;
        let report = report.ok_or("there is no rotation to resume")?;
        if report.is_stored && report.is_secret_proven {
            let text = "is in the vault, and the token endpoint accepts it";
            out.row("secret", text)?;
        }
        for _ in &report.credentials {
            out.row("credential", "has the new secret")?;
        }
        drop(self.load);
        let load = Load::start(chain);
        load.wait_for_each_worker().await;
        let executions = load.executions();
        out.row("executions", executions)?;

        self.rotation.recheck().await?;
        let left = report.recheck_at.map(hours_until).unwrap_or_default();
        out.row(
            "recheck",
            format_args!("succeeded; once more in {left} h, when no token from before is left"),
        )?;
        Ok(executions)
    }
}

fn hours_until(time: SystemTime) -> u64 {
    let left = time.duration_since(SystemTime::now()).unwrap_or_default();
    left.as_secs().div_ceil(HOUR.as_secs())
}

/// A vault in memory. A real one is a service of its own.
#[derive(Clone, Default)]
struct MemoryVault {
    secret: Arc<Mutex<Option<SecretString>>>,
    is_open: Arc<AtomicBool>,
}

impl MemoryVault {
    fn vault(&self) -> Vault {
        let (reader, writer) = (self.clone(), self.clone());
        Vault::new(
            move || {
                let secret = reader.secret.lock().clone();
                async move { Ok(secret) }
            },
            move |secret| {
                let writer = writer.clone();
                async move {
                    if !writer.is_open.load(Ordering::SeqCst) {
                        return Err("the vault is closed".into());
                    }
                    *writer.secret.lock() = Some(secret);
                    Ok(())
                }
            },
        )
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
