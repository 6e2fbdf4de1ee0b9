//! Deletes an OAuth client.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use super::{
    OAuthClients,
    model::{ClientState, OAuthClient},
};
use crate::{
    admin::poll::Poll,
    error::{Error, ErrorKind, sanitize},
};

/// How a deletion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deletion {
    /// The client is gone, and cannot be restored.
    Deleted,
    /// The client is inactive and will be deleted at this time. Until then
    /// [`enable`](super::OAuthClients::enable) restores it. Genesys Cloud does so with a client that is
    /// older than [`IMMEDIATE_DELETION_AGE`](crate::limits::IMMEDIATE_DELETION_AGE).
    Scheduled(SystemTime),
}

impl OAuthClients {
    /// Deletes a client: sets it inactive, because Genesys Cloud deletes no other, deletes it, and
    /// waits until it is gone or has a date for it. Its tokens become invalid.
    ///
    /// Needs the permissions `oauth:client:view`, `oauth:client:edit` and `oauth:client:delete`.
    ///
    /// # Errors
    /// Those of [`get`](Self::get) and [`update`](Self::update); and
    /// [`Timeout`](crate::ErrorKind::Timeout) where the client still exists after the
    /// [wait](Self::wait), 30 seconds by default. A client that does not exist is an error with the
    /// status 404.
    pub async fn delete(&self, id: &str) -> Result<Deletion, Error> {
        self.set_state(id, ClientState::Inactive).await?;
        let mut poll = Poll::new(&self.api, self.wait.unwrap_or(DEFAULT_WAIT));
        loop {
            match self.client(id, http::Method::DELETE).delete_object().await {
                Ok(_) => break,
                // A repeated request finds what the first one left.
                Err(error) if is_not_found(&error) => return Ok(Deletion::Deleted),
                // The new state is not known everywhere at once.
                Err(error) if is_still_active(&error) && poll.wait().await => {}
                Err(error) => return Err(error),
            }
        }
        loop {
            let client = match self.get(id).await {
                Ok(client) if client.state == ClientState::Deleted => return Ok(Deletion::Deleted),
                Ok(client) => client,
                Err(error) if is_not_found(&error) => return Ok(Deletion::Deleted),
                Err(error) => return Err(error),
            };
            if !poll.wait().await {
                return scheduled(id, &client);
            }
        }
    }
}

/// The client still exists. Either it has a date, or nothing is known.
fn scheduled(id: &str, client: &OAuthClient) -> Result<Deletion, Error> {
    client.date_to_delete.map(Deletion::Scheduled).ok_or_else(|| {
        let id = sanitize(id, &[]);
        Error::wait_ended(format!(
            "the OAuth client {id} was deleted and still exists; call `get` later, and `delete` again \
             if it stays"
        ))
    })
}

fn is_not_found(error: &Error) -> bool {
    error.status() == Some(StatusCode::NOT_FOUND)
}

/// Whether Genesys Cloud does not delete the client because it is not inactive.
fn is_still_active(error: &Error) -> bool {
    let ErrorKind::Api(error) = error.kind() else {
        return false;
    };
    error.code.as_deref() == Some("cannot.delete.client")
}

const DEFAULT_WAIT: Duration = Duration::from_secs(30);
