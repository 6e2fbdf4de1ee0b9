//! A data action as the Platform API shows it.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use crate::admin::{
    fields::{OtherFields, null_as_default, seconds},
    json_document::JsonDocument,
};

/// A data action, published or a draft.
///
/// Source: Genesys Cloud Platform API, the schema `Action`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataAction {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// The category under which Architect shows it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub category: String,
    /// The integration that it belongs to.
    pub integration_id: Option<String>,
    /// Its version. It is sent as it was fetched.
    pub version: Option<i64>,
    /// Whether only secure flows can use it. It cannot be changed once the action is published, and
    /// other flows do not find a secure action.
    #[serde(default, deserialize_with = "null_as_default")]
    pub secure: bool,
    /// What it sends, and what it makes of the response. A listing leaves it out.
    pub config: Option<DataActionConfig>,
    /// Its input and its result. A listing leaves it out.
    pub contract: Option<DataActionContract>,
    /// Its path at the API.
    pub self_uri: Option<String>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl DataAction {
    /// Whether it is built into Genesys Cloud: it cannot be changed, exported or deleted.
    #[must_use]
    pub fn is_static(&self) -> bool {
        is_static(&self.id)
    }

    /// Whether Genesys Cloud runs it by itself, to authenticate the other actions of its integration.
    /// It can be changed, and neither executed nor deleted.
    #[must_use]
    pub fn is_custom_auth(&self) -> bool {
        is_custom_auth(&self.id)
    }
}

pub(super) fn is_static(id: &str) -> bool {
    id.starts_with("static")
}

pub(super) fn is_custom_auth(id: &str) -> bool {
    id.starts_with("customAuth_-_")
}

/// What a data action sends, and what it makes of the response.
///
/// Source: Genesys Cloud Platform API, the schema `ActionConfig`; Resource Center, "Add configuration
/// to custom actions".
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataActionConfig {
    /// How long the web service may take, from 1 to 60 whole seconds: 60 where it is not set.
    #[serde(
        default,
        rename = "timeoutSeconds",
        deserialize_with = "seconds",
        serialize_with = "whole_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub timeout: Option<Duration>,
    /// What it sends.
    #[serde(default, deserialize_with = "null_as_default")]
    pub request: DataActionRequest,
    /// What it makes of the response.
    #[serde(default, deserialize_with = "null_as_default")]
    pub response: DataActionResponse,
    /// The fields that this crate does not know. An update sends them.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl DataActionConfig {
    /// A request with any method. The URL is a template. With `purecloud-data-actions` it starts with
    /// `/api/v2`.
    pub fn new(method: impl Into<String>, url_template: impl Into<String>) -> Self {
        Self {
            request: DataActionRequest {
                url_template: url_template.into(),
                method: method.into(),
                // What the admin pages set. A GET has no body.
                body_template: Some("${input.rawRequest}".to_owned()),
                ..DataActionRequest::default()
            },
            response: DataActionResponse {
                success_template: Some("${rawResult}".to_owned()),
                ..DataActionResponse::default()
            },
            ..Self::default()
        }
    }

    /// Sets how long the web service may take.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sets a header, whose value is a template. Do not put a secret there: the action shows it to
    /// everybody with `integrations:action:view`. `${credentials.name}` and `${authResponse.name}`
    /// stand for values of the credential.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, template: impl Into<String>) -> Self {
        let template = template.into();
        self.request.headers.insert(name.into(), template);
        self
    }

    /// Sets the template of the request's body.
    #[must_use]
    pub fn body(mut self, template: impl Into<String>) -> Self {
        self.request.body_template = Some(template.into());
        self
    }

    /// Gives a name to what a JSON path finds in the response, for the success template.
    #[must_use]
    pub fn map(mut self, name: impl Into<String>, json_path: impl Into<String>) -> Self {
        let map = &mut self.response.translation_map;
        map.insert(name.into(), json_path.into());
        self
    }

    /// Sets what a name stands for if its path finds nothing: JSON, so a text has quotation marks.
    #[must_use]
    pub fn default_value(mut self, name: impl Into<String>, json: impl Into<String>) -> Self {
        let defaults = &mut self.response.translation_map_defaults;
        defaults.insert(name.into(), json.into());
        self
    }

    /// Sets the template of the result, such as `{"name": ${name}}`. The names of the
    /// [map](Self::map) stand for JSON, so a text comes with its quotation marks.
    #[must_use]
    pub fn success_template(mut self, template: impl Into<String>) -> Self {
        self.response.success_template = Some(template.into());
        self
    }
}

/// What a data action sends.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataActionRequest {
    /// The template of the URL.
    #[serde(
        default,
        rename = "requestUrlTemplate",
        deserialize_with = "null_as_default"
    )]
    pub url_template: String,
    /// The template of the body.
    #[serde(rename = "requestTemplate", skip_serializing_if = "Option::is_none")]
    pub body_template: Option<String>,
    /// Where the template of the body can be fetched. An update does not send this.
    #[serde(rename = "requestTemplateUri", skip_serializing)]
    pub body_template_uri: Option<String>,
    /// The method, such as `GET`.
    #[serde(default, rename = "requestType", deserialize_with = "null_as_default")]
    pub method: String,
    /// The templates of the headers.
    #[serde(default, deserialize_with = "null_as_default")]
    pub headers: BTreeMap<String, String>,
    /// The fields that this crate does not know. An update sends them.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What a data action makes of the response.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataActionResponse {
    /// Names for what JSON paths find.
    #[serde(default, deserialize_with = "null_as_default")]
    pub translation_map: BTreeMap<String, String>,
    /// What these names stand for if nothing is found.
    #[serde(default, deserialize_with = "null_as_default")]
    pub translation_map_defaults: BTreeMap<String, String>,
    /// The template of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_template: Option<String>,
    /// Where the template of the result can be fetched. An update does not send this.
    #[serde(skip_serializing)]
    pub success_template_uri: Option<String>,
    /// The fields that this crate does not know. An update sends them.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The input and the result of a data action, as JSON schemas.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DataActionContract {
    /// The schema of the input: an object without nested objects, so that Architect can show it.
    pub input_schema: JsonDocument,
    /// The schema of the result.
    pub success_schema: JsonDocument,
}

impl DataActionContract {
    /// A contract of two schemas.
    pub fn new(input_schema: JsonDocument, success_schema: JsonDocument) -> Self {
        Self {
            input_schema,
            success_schema,
        }
    }
}

impl Serialize for DataActionContract {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({
            "input": { "inputSchema": self.input_schema },
            "output": { "successSchema": self.success_schema },
        })
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DataActionContract {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut contract = Value::deserialize(deserializer)?;
        let mut schema = |pointer: &str| {
            let schema = contract.pointer_mut(pointer).map(Value::take);
            JsonDocument::from_value(schema.unwrap_or_default())
        };
        Ok(Self {
            input_schema: schema("/input/inputSchema"),
            success_schema: schema("/output/successSchema"),
        })
    }
}

#[allow(clippy::ref_option, reason = "serde passes the field")]
fn whole_seconds<S: Serializer>(
    timeout: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    timeout
        .map(|timeout| timeout.as_secs())
        .serialize(serializer)
}
