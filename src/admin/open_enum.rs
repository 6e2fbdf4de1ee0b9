//! Enumerations of the Platform API, which may get new values at any time.

/// Defines an enum with a variant for each known value and `Other` for the rest. Known values are
/// recognised in any case, with or without `-` and `_`, because Genesys Cloud has written them in
/// several ways.
macro_rules! open_enum {
    (
        $(#[$enum_doc:meta])*
        $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }
    ) => {
        $(#[$enum_doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A value that this crate does not know, as the server writes it. Empty where the
            /// server sends none.
            Other(String),
        }

        impl $name {
            /// Returns the value as the Platform API writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match $crate::admin::open_enum::normalized(text) {
                    $(known if known == $crate::admin::open_enum::normalized($text) => {
                        Self::$variant
                    })*
                    _ => Self::Other(text.to_owned()),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text: Option<String> = serde::Deserialize::deserialize(deserializer)?;
                Ok(text.as_deref().unwrap_or_default().into())
            }
        }
    };
}

pub(super) use open_enum;

/// Returns a value of an enumeration without what differs between its spellings.
pub(super) fn normalized(text: &str) -> String {
    let text = text.chars().filter(|c| !matches!(c, '-' | '_'));
    text.flat_map(char::to_uppercase).collect()
}
