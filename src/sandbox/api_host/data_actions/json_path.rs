//! The part of JSON paths that the translation maps of data actions use.

use serde_json::Value;

use super::template::Unsupported;

/// Returns what a path finds: one value, or an array for a path that can find several.
pub(super) fn find(path: &str, value: &Value) -> Result<Option<Value>, Unsupported> {
    let unsupported = || Unsupported(format!("the path {path}"));
    let mut rest = path.strip_prefix('$').ok_or_else(unsupported)?;
    let mut found = vec![value];
    let mut finds_one = true;
    while !rest.is_empty() {
        let step;
        (step, rest) = parse_step(rest).ok_or_else(unsupported)?;
        finds_one &= matches!(step, Step::Key(_) | Step::Index(_));
        found = found.into_iter().flat_map(|one| step.take(one)).collect();
    }
    if finds_one {
        return Ok(found.first().map(|one| (*one).clone()));
    }
    let found: Vec<Value> = found.into_iter().cloned().collect();
    Ok((!found.is_empty()).then_some(Value::Array(found)))
}

enum Step {
    Key(String),
    Index(usize),
    All,
    /// The key, however deep.
    Deep(String),
    Filter {
        keys: Vec<String>,
        equal: bool,
        value: Value,
    },
}

impl Step {
    fn take<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Key(key) => value.get(key).into_iter().collect(),
            Self::Index(index) => value.get(index).into_iter().collect(),
            Self::All => match value {
                Value::Array(several) => several.iter().collect(),
                Value::Object(fields) => fields.values().collect(),
                _ => Vec::new(),
            },
            Self::Deep(key) => deep(key, value),
            Self::Filter {
                keys,
                equal,
                value: wanted,
            } => {
                let several = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let matches = |one: &&Value| {
                    let found = keys.iter().try_fold(*one, |one, key| one.get(key));
                    found.is_some_and(|found| (found == wanted) == *equal)
                };
                several.iter().filter(matches).collect()
            }
        }
    }
}

fn deep<'a>(key: &str, value: &'a Value) -> Vec<&'a Value> {
    let mut found: Vec<_> = value.get(key).into_iter().collect();
    found.extend(
        Step::All
            .take(value)
            .into_iter()
            .flat_map(|one| deep(key, one)),
    );
    found
}

/// Returns the first step of a path, and the rest.
fn parse_step(path: &str) -> Option<(Step, &str)> {
    if let Some(rest) = path.strip_prefix("..") {
        let (name, rest) = parse_name(rest)?;
        return Some((Step::Deep(name.to_owned()), rest));
    }
    if let Some(rest) = path.strip_prefix('.') {
        if let Some(rest) = rest.strip_prefix('*') {
            return Some((Step::All, rest));
        }
        let (name, rest) = parse_name(rest)?;
        return Some((Step::Key(name.to_owned()), rest));
    }
    let inner = path.strip_prefix('[')?;
    if let Some(filter) = inner.strip_prefix("?(") {
        let (filter, rest) = filter.split_once(")]")?;
        return Some((parse_filter(filter)?, rest));
    }
    let (inner, rest) = inner.split_once(']')?;
    let step = match parse_literal(inner) {
        _ if inner == "*" => Step::All,
        Some(Value::String(key)) => Step::Key(key),
        Some(Value::Number(index)) => Step::Index(usize::try_from(index.as_u64()?).ok()?),
        _ => return None,
    };
    Some((step, rest))
}

fn parse_filter(filter: &str) -> Option<Step> {
    let (path, equal, value) = if let Some((path, value)) = filter.split_once("!=") {
        (path, false, value)
    } else {
        let (path, value) = filter.split_once("==")?;
        (path, true, value)
    };
    let mut rest = path.trim().strip_prefix('@')?;
    let mut keys = Vec::new();
    while !rest.is_empty() {
        let name;
        (name, rest) = parse_name(rest.strip_prefix('.')?)?;
        keys.push(name.to_owned());
    }
    let value = parse_literal(value.trim())?;
    Some(Step::Filter { keys, equal, value })
}

fn parse_name(path: &str) -> Option<(&str, &str)> {
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    (!name.is_empty() && name.chars().all(is_plain)).then_some((name, rest))
}

fn parse_literal(text: &str) -> Option<Value> {
    let quoted = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    match quoted {
        Some(text) => Some(text.into()),
        None => serde_json::from_str(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_that_people_use_find_what_they_name() {
        let value = json!({
            "a": { "b": [{ "k": "x", "n": 1 }, { "k": "y", "n": 2, "deep": { "n": 3 } }] },
            "nothing": null,
            "with space": 7,
        });
        for (path, expected) in [
            ("$", Some(value.clone())),
            ("$.a.b[0].k", Some(json!("x"))),
            ("$['with space']", Some(json!(7))),
            ("$.a.b[*].k", Some(json!(["x", "y"]))),
            ("$.a.b[?(@.k=='y')].n", Some(json!([2]))),
            ("$.a.b[?(@.k == \"x\")].n", Some(json!([1]))),
            ("$.a.b[?(@.n!=1)].k", Some(json!(["y"]))),
            ("$..n", Some(json!([1, 2, 3]))),
            ("$.nothing", Some(Value::Null)),
            ("$.missing", None),
            ("$.a.b[7]", None),
            ("$.a.b[?(@.k=='z')]", None),
        ] {
            let found = find(path, &value).ok().unwrap();
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn other_paths_are_unsupported() {
        for path in [
            "",
            "a",
            "$.a[1:2]",
            "$.a[?(@.n > 1)]",
            "$.length()",
            "$[",
            "$.",
            "$.a[-1]",
        ] {
            assert!(find(path, &json!({ "a": [] })).is_err(), "{path}");
        }
    }
}
