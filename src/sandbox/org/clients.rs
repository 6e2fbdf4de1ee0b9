//! The OAuth clients of an organisation.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value, json};

use super::{
    settings::{CLIENT_CREDENTIALS, CLIENT_NAME, ROLE_ID, Settings},
    users::fixed_id,
};
use crate::sandbox::{
    random::{random_text, random_uuid},
    time::format_time,
};

/// In the order of their creation. The first is that of the settings.
pub(crate) struct ClientTable(Vec<Client>);

/// An OAuth client. The fields that a request can set are kept as they are shown.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) id: Arc<str>,
    pub(crate) secret: String,
    pub(crate) token_lifetime: Duration,
    fields: Map<String, Value>,
    created: SystemTime,
    modified: SystemTime,
    /// When it is removed, after its deletion.
    end: Option<SystemTime>,
}

/// How a deletion ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientDeletion {
    Deleted,
    /// An old client can still be restored.
    Scheduled,
    NotInactive,
}

impl ClientTable {
    pub(crate) fn new(settings: &Settings, now: SystemTime) -> Self {
        let mut fields = Map::new();
        fields.insert("name".into(), CLIENT_NAME.into());
        let grant_type = settings.authorized_grant_type.as_str();
        fields.insert("authorizedGrantType".into(), grant_type.into());
        let lifetime = settings.token_lifetime.as_secs();
        fields.insert("accessTokenValiditySeconds".into(), lifetime.into());
        fields.insert(REDIRECT_URIS.into(), json!(settings.redirect_uris));
        let first = Client {
            id: settings.client_id.as_str().into(),
            secret: settings.client_secret.clone(),
            token_lifetime: settings.token_lifetime,
            fields: with_defaults(fields),
            created: now,
            modified: now,
            end: None,
        };
        let mut table = Self(vec![first]);
        table.set_divisions(&settings.role.divisions);
        let others = (0..settings.other_clients).map(|index| {
            let mut fields = Map::new();
            fields.insert("name".into(), format!("Client {}", index + 1).into());
            fields.insert("authorizedGrantType".into(), CLIENT_CREDENTIALS.into());
            fields.insert(ROLES.into(), json!([role_division("*")]));
            let mut client = Client::new(fields, now);
            client.id = fixed_id(CLIENT_IDS, index).into();
            client
        });
        table.0.extend(others);
        table
    }

    pub(crate) fn first(&self) -> &Client {
        &self.0[0]
    }

    pub(crate) fn first_mut(&mut self) -> &mut Client {
        &mut self.0[0]
    }

    /// Sets the divisions in which the first client has its role.
    pub(crate) fn set_divisions(&mut self, divisions: &[String]) {
        let first = self.first_mut();
        if first.has_grant_type(CLIENT_CREDENTIALS) {
            let roles = divisions.iter().map(|division| role_division(division));
            first.fields.insert(ROLES.into(), roles.collect());
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Client> {
        self.0.iter().find(|client| &*client.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Client> {
        self.0.iter_mut().find(|client| &*client.id == id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Client> {
        self.0.iter()
    }

    /// Whether the organisation can have no further client.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MAX_CLIENTS
    }

    pub(crate) fn add(&mut self, client: Client) {
        self.0.push(client);
    }

    /// Deletes a client by Genesys Cloud's rules. The first client is deleted like the others.
    pub(crate) fn delete(&mut self, id: &str, now: SystemTime) -> Option<ClientDeletion> {
        let client = self.get_mut(id)?;
        if client.state() != INACTIVE {
            return Some(ClientDeletion::NotInactive);
        }
        let age = now.duration_since(client.created).unwrap_or_default();
        if age < IMMEDIATE_DELETION_AGE {
            client.end = Some(now);
            client.fields.insert("state".into(), DELETED.into());
            return Some(ClientDeletion::Deleted);
        }
        let end = now.checked_add(RESTORATION_PERIOD).unwrap_or(now);
        client.end = Some(end);
        let date = format_time(end).into();
        client.fields.insert("dateToDelete".into(), date);
        Some(ClientDeletion::Scheduled)
    }

    /// Removes the clients whose end has come. The first one stays in the table as deleted, because
    /// the sandbox has methods for it.
    pub(crate) fn remove_ended(&mut self, now: SystemTime) {
        let has_ended = |client: &Client| client.end.is_some_and(|end| end <= now);
        if has_ended(self.first()) {
            let deleted = DELETED.into();
            self.first_mut().fields.insert("state".into(), deleted);
        }
        let mut index = 0;
        self.0.retain(|client| {
            index += 1;
            index == 1 || !has_ended(client)
        });
    }
}

impl Client {
    /// Makes a client of the checked fields of a request, with an id and a secret.
    pub(crate) fn new(fields: Map<String, Value>, now: SystemTime) -> Self {
        let fields = with_defaults(fields);
        Self {
            id: random_uuid().into(),
            secret: random_text::<32>(),
            token_lifetime: lifetime(&fields),
            fields,
            created: now,
            modified: now,
            end: None,
        }
    }

    /// Replaces everything that a request can set.
    pub(crate) fn replace(&mut self, fields: Map<String, Value>, now: SystemTime) {
        self.fields = with_defaults(fields);
        self.token_lifetime = lifetime(&self.fields);
        self.modified = now;
        if self.state() == ACTIVE {
            self.end = None;
        }
    }

    pub(crate) fn regenerate_secret(&mut self, now: SystemTime) {
        self.secret = random_text::<32>();
        self.modified = now;
    }

    pub(crate) fn set_state(&mut self, state: &str) {
        self.fields.insert("state".into(), state.into());
    }

    pub(crate) fn state(&self) -> &str {
        self.text("state")
    }

    pub(crate) fn is_active(&self) -> bool {
        self.state() == ACTIVE
    }

    /// Whether it can be found.
    pub(crate) fn exists(&self) -> bool {
        self.state() != DELETED
    }

    pub(crate) fn name(&self) -> &str {
        self.text("name")
    }

    pub(crate) fn grant_type(&self) -> &str {
        self.text("authorizedGrantType")
    }

    /// Compares grant types as Genesys' own SDKs write them: with hyphens, underscores or neither.
    pub(crate) fn has_grant_type(&self, grant_type: &str) -> bool {
        normalized(self.grant_type()) == normalized(grant_type)
    }

    pub(crate) fn redirect_uris(&self) -> Vec<String> {
        let uris = self.fields.get(REDIRECT_URIS).and_then(Value::as_array);
        let uris = uris.into_iter().flatten().filter_map(Value::as_str);
        uris.map(str::to_owned).collect()
    }

    /// Returns the ids of its roles, each with that of a division.
    pub(crate) fn roles(&self) -> impl Iterator<Item = (&str, &str)> {
        let list = |name: &str| self.fields.get(name).and_then(Value::as_array);
        let roles = list(ROLES).into_iter().flatten();
        let roles = roles.filter_map(|role| Some((role["roleId"].as_str()?, &role["divisionId"])));
        let with_divisions = roles.map(|(role, division)| (role, division.as_str().unwrap_or("*")));
        let ids = list("roleIds").into_iter().flatten();
        with_divisions.chain(ids.filter_map(Value::as_str).map(|role| (role, "*")))
    }

    /// Returns the client as the API shows it, without its secret.
    pub(crate) fn body(&self) -> Value {
        let mut body = self.fields.clone();
        let id = &*self.id;
        body.insert("id".into(), id.into());
        let uri = format!("/api/v2/oauth/clients/{id}");
        body.insert("selfUri".into(), uri.into());
        for (name, date) in [
            ("dateCreated", self.created),
            ("dateModified", self.modified),
        ] {
            body.insert(name.into(), format_time(date).into());
        }
        body.into()
    }

    /// Returns the client with its secret, as only its creation and a new secret do.
    pub(crate) fn body_with_secret(&self) -> Value {
        let mut body = self.body();
        body["secret"] = self.secret.as_str().into();
        body
    }

    fn text(&self, name: &str) -> &str {
        let value = self.fields.get(name).and_then(Value::as_str);
        value.unwrap_or_default()
    }
}

pub(crate) fn normalized(grant_type: &str) -> String {
    grant_type.replace(['-', '_'], "")
}

fn role_division(division: &str) -> Value {
    json!({ "roleId": ROLE_ID, "divisionId": division })
}

fn lifetime(fields: &Map<String, Value>) -> Duration {
    let seconds = fields.get("accessTokenValiditySeconds");
    Duration::from_secs(seconds.and_then(Value::as_u64).unwrap_or(DEFAULT_SECONDS))
}

/// Drops what a request cannot set, and adds what it does not.
fn with_defaults(mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.retain(|name, value| !value.is_null() && !READ_ONLY.contains(&name.as_str()));
    for (name, value) in [
        ("accessTokenValiditySeconds", json!(DEFAULT_SECONDS)),
        (REDIRECT_URIS, json!([])),
        ("scope", json!([])),
        (ROLES, json!([])),
        ("state", json!(ACTIVE)),
    ] {
        fields.entry(name).or_insert(value);
    }
    fields
}

pub(crate) const ACTIVE: &str = "active";
pub(crate) const DISABLED: &str = "disabled";
pub(crate) const INACTIVE: &str = "inactive";
const DELETED: &str = "deleted";

const ROLES: &str = "roleDivisions";
const REDIRECT_URIS: &str = "registeredRedirectUri";
const DEFAULT_SECONDS: u64 = 86_400;
/// Genesys Cloud has a limit, too; its number is not known.
const MAX_CLIENTS: usize = 20_000;
const CLIENT_IDS: u32 = 0x5e1f_0003;
const IMMEDIATE_DELETION_AGE: Duration = Duration::from_secs(30 * 86_400);
const RESTORATION_PERIOD: Duration = Duration::from_secs(7 * 86_400);
const READ_ONLY: [&str; 7] = [
    "id",
    "selfUri",
    "secret",
    "dateCreated",
    "dateModified",
    "createdBy",
    "modifiedBy",
];
