//! What is in the keyring, by a library of its own.

use std::collections::HashMap;

use dbus_secret_service::{EncryptionType, SecretService};

use crate::{APP, Result};

pub fn print() -> Result {
    let service = SecretService::connect(EncryptionType::Plain)?;
    for item in service.search_items(HashMap::new())?.unlocked {
        let attributes = item.get_attributes()?;
        let account = attributes.get("username").cloned().unwrap_or_default();
        let secret = String::from_utf8(item.get_secret()?)?;
        println!("item: {account} {secret}");
        println!("about: {} {attributes:?}", item.get_label()?);
    }
    Ok(())
}

/// Puts the value under the account, in as many items.
pub fn plant(account: &str, value: &str, copies: usize) -> Result {
    let service = SecretService::connect(EncryptionType::Plain)?;
    let attributes = HashMap::from([("service", APP), ("username", account)]);
    let collection = service.get_default_collection()?;
    for _ in 0..copies {
        let (attributes, value) = (attributes.clone(), value.as_bytes());
        collection.create_item("planted", attributes, value, false, "text/plain")?;
    }
    Ok(())
}
