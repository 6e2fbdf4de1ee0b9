//! The users, who can log in.

use std::fmt;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Sandbox, SandboxBuilder, Settings, random_text};

/// A user of the sandbox's organisation, who can log in.
#[derive(Clone)]
pub struct SandboxUser(User);

impl SandboxUser {
    /// The id, as in `GET /api/v2/users`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The email address, with which the user logs in.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.0.email
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> SecretString {
        self.0.password.clone().into()
    }
}

impl fmt::Debug for SandboxUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxUser")
            .field("id", &self.0.id)
            .field("name", &self.0.name)
            .field("email", &self.0.email)
            .finish_non_exhaustive()
    }
}

/// Its users.
impl Sandbox {
    /// The users, in the order of `GET /api/v2/users`. Ids, names and email addresses are the same
    /// in every sandbox; passwords are not.
    #[must_use]
    pub fn users(&self) -> Vec<SandboxUser> {
        self.org.users.iter().cloned().map(SandboxUser).collect()
    }
}

/// Its users.
impl SandboxBuilder {
    /// How many users there are, and `GET /api/v2/users` lists in pages: 3 by default. Names and
    /// ids are the same in every sandbox.
    pub fn users(mut self, users: usize) -> Self {
        self.0.users = users;
        self
    }

    /// The password of all users, instead of a random one for each.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.0.password = Some(password.into());
        self
    }
}

/// A user, who is known by a place in the listing.
#[derive(Clone)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) password: String,
}

impl User {
    pub(super) fn all(settings: &Settings) -> Vec<Self> {
        let password = || settings.password.clone().unwrap_or_else(random_text::<12>);
        let user = |place| Self {
            id: fixed_id(USER_IDS, place),
            name: format!("User {}", place + 1),
            email: format!("user{}@sandbox.example", place + 1),
            password: password(),
        };
        (0..settings.users).map(user).collect()
    }

    /// As the API shows them.
    pub(super) fn body(&self, division_id: &str) -> Value {
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

/// The same in every sandbox.
pub(super) fn fixed_id(kind: u32, place: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{:012x}", place + 1)
}

const USER_IDS: u32 = 0x5e1f_0001;
