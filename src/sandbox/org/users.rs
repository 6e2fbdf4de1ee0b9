//! The organisation's users.

use std::fmt;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::settings::Settings;
use crate::sandbox::random::random_text;

/// A user of the sandbox's organisation, who can log in.
#[derive(Clone)]
pub struct SandboxUser {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

impl SandboxUser {
    /// Returns all users, in the order in which the API lists them.
    pub(crate) fn all(settings: &Settings) -> Vec<Self> {
        let password = || settings.password.clone().unwrap_or_else(random_text::<12>);
        let user = |index| Self {
            id: fixed_id(USER_IDS, index),
            name: format!("User {}", index + 1),
            email: format!("user{}@sandbox.example", index + 1),
            password: password(),
        };
        (0..settings.users).map(user).collect()
    }

    /// The id, as in `GET /api/v2/users`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The email address, with which the user logs in.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> SecretString {
        self.password.clone().into()
    }

    /// Returns the user as the API shows it.
    pub(crate) fn body(&self, division_id: &str) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "division": {
                "id": division_id,
                "name": "Home",
                "selfUri": format!("/api/v2/authorization/divisions/{}", division_id),
            },
            "email": self.email,
            "username": self.email,
            "state": "active",
            "version": 1,
            "selfUri": format!("/api/v2/users/{}", self.id),
        })
    }
}

impl fmt::Debug for SandboxUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxUser")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

/// Returns an id that is the same in every sandbox.
pub(crate) fn fixed_id(kind: u32, index: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{:012x}", index + 1)
}

const USER_IDS: u32 = 0x5e1f_0001;
