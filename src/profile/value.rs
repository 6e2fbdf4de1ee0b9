//! The values of a TOML file. Each text may be a secret.

use std::fmt;

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A table, whose names are the same in upper and lower case, as they are for `gc`.
pub(super) struct Table(Vec<(String, Value)>);

pub(super) enum Value {
    /// A text, or an integer.
    Text(SecretString),
    Table(Table),
    /// What it is instead.
    Other(&'static str),
}

impl Table {
    /// Returns the value with this name.
    ///
    /// # Errors
    /// What is wrong, to follow the name.
    pub(super) fn get(&self, name: &str) -> Result<Option<&Value>, &'static str> {
        let name = name.to_lowercase();
        let mut named = self.0.iter().filter(|(key, _)| key.to_lowercase() == name);
        let first = named.next();
        if named.next().is_some() {
            return Err("is there twice, in upper and in lower case; remove one");
        }
        Ok(first.map(|(_, value)| value))
    }

    /// Returns the table with this name. `gc` writes a profile with a dot in its name as a table in a
    /// table.
    ///
    /// # Errors
    /// Those of [`get`](Self::get), and another value than a table.
    pub(super) fn profile(mut self, name: &str) -> Result<Option<Self>, &'static str> {
        match self.get(name)? {
            Some(Value::Table(_)) => return Ok(self.take(name)),
            Some(_) => return Err("is no table; write it as `[NAME]` with its keys below"),
            None => {}
        }
        for (dot, _) in name.match_indices('.') {
            let (outer, inner) = (name.get(..dot), name.get(dot + 1..));
            let (Some(outer), Some(inner)) = (outer, inner) else {
                continue;
            };
            if let Some(Value::Table(_)) = self.get(outer)?
                && let Some(outer) = self.take(outer)
            {
                return outer.profile(inner);
            }
        }
        Ok(None)
    }

    fn take(&mut self, name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let at = self
            .0
            .iter()
            .position(|(key, _)| key.to_lowercase() == name)?;
        match self.0.swap_remove(at).1 {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.into()))
            }

            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value::Text(text.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Text(number.to_string().into()))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
                Ok(Value::Other("true or false"))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
                Ok(Value::Other("a number with a fraction"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Other("an array"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Value::Table(Table(entries)))
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}
