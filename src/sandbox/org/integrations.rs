//! Integrations, their credentials and their data actions.

use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

use serde_json::{Map, Value, json};

use super::{settings::Settings, users::fixed_id};
use crate::sandbox::{
    http::error_response::ApiErrorResponse, random::random_uuid, time::format_time,
};

/// In the order of their creation.
pub(crate) struct IntegrationTable {
    pub(crate) credentials: Vec<Credential>,
    pub(crate) integrations: Vec<Integration>,
    pub(crate) actions: Vec<Action>,
    /// The access tokens of data actions, by the ids of credentials.
    pub(crate) tokens: HashMap<String, String>,
}

pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) fields: BTreeMap<String, String>,
    created: SystemTime,
    modified: SystemTime,
}

pub(crate) struct Integration {
    pub(crate) id: String,
    /// The id of its type.
    pub(crate) kind: String,
    pub(crate) is_enabled: bool,
    needs_credential: bool,
    /// The fields of its configuration that a request can set.
    pub(crate) configuration: Map<String, Value>,
    pub(crate) version: u64,
    /// How often it is still to be reported as activating.
    pub(crate) activating: usize,
    /// How often it is still unknown to data actions.
    pub(crate) unknown: usize,
}

pub(crate) struct Action {
    pub(crate) id: String,
    pub(crate) integration_id: String,
    pub(crate) published: Option<ActionVersion>,
    pub(crate) draft: Option<ActionVersion>,
}

/// A data action as it was published, or its draft.
#[derive(Clone)]
pub(crate) struct ActionVersion {
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) config: Value,
    pub(crate) contract: Value,
    pub(crate) secure: bool,
    pub(crate) version: u64,
}

impl IntegrationTable {
    /// Makes the sandbox's own credentials, and its data action with this id.
    pub(crate) fn new(settings: &Settings, data_action_id: &str, now: SystemTime) -> Self {
        let credentials = (0..settings.integration_credentials).map(|index| Credential {
            id: fixed_id(CREDENTIAL_IDS, index),
            name: format!("Credential {}", index + 1),
            kind: OAUTH_CLIENT.to_owned(),
            fields: BTreeMap::new(),
            created: now,
            modified: now,
        });
        let mut own = Integration::new(OWN_ORGANIZATION, Some("Sandbox"), settings);
        // Its credential is the copy that the organisation keeps of the client's secret.
        (own.is_enabled, own.needs_credential) = (true, false);
        (own.activating, own.unknown) = (0, 0);
        let action = Action {
            id: data_action_id.to_owned(),
            integration_id: own.id.clone(),
            published: Some(ActionVersion {
                name: "Sandbox data action".to_owned(),
                category: "Sandbox".to_owned(),
                config: json!({ "request": {}, "response": {} }),
                contract: json!({}),
                secure: false,
                version: 1,
            }),
            draft: None,
        };
        Self {
            credentials: credentials.collect(),
            integrations: vec![own],
            actions: vec![action],
            tokens: HashMap::new(),
        }
    }

    pub(crate) fn credential(&mut self, id: &str) -> Option<&mut Credential> {
        self.credentials.iter_mut().find(|one| one.id == id)
    }

    pub(crate) fn integration(&mut self, id: &str) -> Option<&mut Integration> {
        self.integrations.iter_mut().find(|one| one.id == id)
    }

    pub(crate) fn action(&mut self, id: &str) -> Option<&mut Action> {
        self.actions.iter_mut().find(|one| one.id == id)
    }

    /// Removes a credential with its token. Returns whether it was there.
    pub(crate) fn remove_credential(&mut self, id: &str) -> bool {
        let before = self.credentials.len();
        self.credentials.retain(|one| one.id != id);
        self.tokens.remove(id);
        self.credentials.len() < before
    }

    /// Removes an integration with its data actions.
    pub(crate) fn remove_integration(&mut self, id: &str) -> Option<Integration> {
        let index = self.integrations.iter().position(|one| one.id == id)?;
        self.actions.retain(|action| action.integration_id != id);
        Some(self.integrations.remove(index))
    }
}

impl Credential {
    pub(crate) fn new(now: SystemTime) -> Self {
        Self {
            id: random_uuid(),
            name: String::new(),
            kind: String::new(),
            fields: BTreeMap::new(),
            created: now,
            modified: now,
        }
    }

    /// Replaces everything.
    pub(crate) fn replace(
        &mut self,
        (name, kind, fields): (String, String, BTreeMap<String, String>),
        now: SystemTime,
    ) {
        (self.name, self.kind, self.fields) = (name, kind, fields);
        self.modified = now;
    }

    /// Returns it without its values.
    pub(crate) fn body(&self) -> Value {
        let id = &self.id;
        json!({
            "id": id,
            "name": self.name,
            "createdDate": format_time(self.created),
            "modifiedDate": format_time(self.modified),
            "type": { "name": self.kind },
            "selfUri": format!("/api/v2/integrations/credentials/{id}"),
        })
    }
}

impl Integration {
    pub(crate) fn new(kind: &str, name: Option<&str>, settings: &Settings) -> Self {
        let configuration = json!({
            "name": name.unwrap_or(kind),
            "notes": "",
            "properties": {},
            "advanced": {},
            "credentials": {},
        });
        Self {
            id: random_uuid(),
            kind: kind.to_owned(),
            is_enabled: false,
            needs_credential: kind == OWN_ORGANIZATION,
            configuration: configuration.as_object().cloned().unwrap_or_default(),
            version: 1,
            activating: settings.integration_activating,
            unknown: settings.integration_unknown,
        }
    }

    /// Returns the id of the credential under a name of its type.
    pub(crate) fn credential(&self, name: &str) -> Option<&str> {
        self.configuration["credentials"][name]["id"].as_str()
    }

    pub(crate) fn uses_credential(&self, id: &str) -> bool {
        let credentials = self.configuration["credentials"].as_object();
        let mut credentials = credentials.into_iter().flat_map(Map::values);
        credentials.any(|one| one["id"] == id)
    }

    fn lacks_credential(&self) -> bool {
        self.needs_credential && self.credential(OAUTH_CLIENT).is_none()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.is_enabled && self.activating == 0 && !self.lacks_credential()
    }

    /// Returns it as it is shown, which counts as one report.
    pub(crate) fn report(&mut self) -> Value {
        let (code, detail) = if !self.is_enabled {
            ("INACTIVE", None)
        } else if self.lacks_credential() {
            (
                "ERROR",
                Some("The credential pureCloudOAuthClient is missing."),
            )
        } else if let Some(left) = self.activating.checked_sub(1) {
            self.activating = left;
            ("ACTIVATING", None)
        } else {
            ("ACTIVE", None)
        };
        let id = &self.id;
        let mut body = json!({
            "id": id,
            "name": self.configuration["name"],
            "integrationType": { "id": self.kind, "name": self.kind },
            "notes": self.configuration["notes"],
            "intendedState": if self.is_enabled { "ENABLED" } else { "DISABLED" },
            "reportedState": { "code": code, "effective": code },
            "attributes": {},
            "selfUri": format!("/api/v2/integrations/{id}"),
        });
        if let Some(detail) = detail {
            body["reportedState"]["detail"] = json!({ "message": detail });
        }
        body
    }

    pub(crate) fn configuration_body(&self) -> Value {
        let mut body = self.configuration.clone();
        let id = &self.id;
        body.insert("id".to_owned(), id.as_str().into());
        body.insert("version".to_owned(), self.version.into());
        let uri = format!("/api/v2/integrations/{id}/config/current");
        body.insert("selfUri".to_owned(), uri.into());
        body.into()
    }
}

impl Action {
    /// Returns the published action, or its draft.
    pub(crate) fn version(&self, is_draft: bool) -> Option<&ActionVersion> {
        if is_draft {
            self.draft.as_ref()
        } else {
            self.published.as_ref()
        }
    }

    /// Returns it as a listing shows it, and with more where that is asked for.
    pub(crate) fn body(&self, is_draft: bool, config: bool, contract: bool) -> Option<Value> {
        let version = self.version(is_draft)?;
        let uri = format!("/api/v2/integrations/actions/{}", self.id);
        let uri = if is_draft {
            format!("{uri}/draft")
        } else {
            uri
        };
        let mut body = json!({
            "id": self.id,
            "name": version.name,
            "integrationId": self.integration_id,
            "category": version.category,
            "version": version.version,
            "secure": version.secure,
            "selfUri": uri,
        });
        if config {
            let mut config = version.config.clone();
            for (part, text, name) in TEMPLATES {
                let Some(part) = config[part].as_object_mut() else {
                    continue;
                };
                if part.remove(text).is_some() {
                    let uri = format!("{uri}/templates/{name}");
                    part.insert(format!("{text}Uri"), uri.into());
                }
            }
            body["config"] = config;
        }
        if contract {
            body["contract"] = version.contract.clone();
        }
        Some(body)
    }

    /// Returns the text of a template.
    pub(crate) fn template(&self, is_draft: bool, file: &str) -> Option<String> {
        let version = self.version(is_draft)?;
        let (part, text, _) = TEMPLATES.iter().find(|(_, _, name)| *name == file)?;
        Some(version.config[part][text].as_str()?.to_owned())
    }
}

/// The type of integrations that call the Platform API of their own organisation.
pub(crate) const OWN_ORGANIZATION: &str = "purecloud-data-actions";
/// The type of the credentials that they need, and the name of the credential in them.
pub(crate) const OAUTH_CLIENT: &str = "pureCloudOAuthClient";

/// Fails if the organisation has no room for another entry.
pub(crate) fn check_room(entries: usize) -> Result<(), ApiErrorResponse> {
    if entries >= MAX_ENTRIES {
        return Err(ApiErrorResponse::bad_request(
            "The sandbox has no more room.",
        ));
    }
    Ok(())
}

/// More than a test needs.
const MAX_ENTRIES: usize = 1_000;

/// The parts of a configuration, the names of their templates, and of the files that show them.
const TEMPLATES: [(&str, &str, &str); 2] = [
    ("request", "requestTemplate", "requesttemplate.vm"),
    ("response", "successTemplate", "successtemplate.vm"),
];
const CREDENTIAL_IDS: u32 = 0x5e1f_0002;
