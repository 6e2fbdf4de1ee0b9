//! The part of Velocity that the templates of data actions use.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use url::form_urlencoded;

/// What a template or a path contains that the sandbox does not have.
#[derive(Debug)]
pub(super) struct Unsupported(pub(super) String);

/// Fills a template in. Texts in `scope` stand as they are, other values as JSON. A reference to
/// nothing stays as it is written, or is left out with `$!`.
pub(super) fn render(template: &str, scope: &Map<String, Value>) -> Result<String, Unsupported> {
    let chars: Vec<char> = template.chars().collect();
    let mut reader = Reader {
        chars: &chars,
        at: 0,
    };
    let mut rendered = String::new();
    while let Some(c) = reader.take() {
        match c {
            '#' => {
                reader.check_directive()?;
                rendered.push('#');
            }
            '$' => {
                let start = reader.at - 1;
                match reader.reference(scope)? {
                    Some((Some(text), _)) => rendered.push_str(&text),
                    Some((None, true)) => {}
                    Some((None, false)) => rendered.extend(&chars[start..reader.at]),
                    None => {
                        reader.at = start + 1;
                        rendered.push('$');
                    }
                }
            }
            other => rendered.push(other),
        }
    }
    Ok(rendered)
}

/// Returns how a value stands in a text.
pub(super) fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn name(&mut self) -> Option<String> {
        let start = self.at;
        let is_start = |c: char| c.is_alphabetic() || c == '_';
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if self.peek().is_some_and(is_start) {
            while self.peek().is_some_and(is_part) {
                self.at += 1;
            }
        }
        (self.at > start).then(|| self.chars[start..self.at].iter().collect())
    }

    /// Fails at a directive. Another `#` is text.
    fn check_directive(&self) -> Result<(), Unsupported> {
        let rest: String = self.chars[self.at..].iter().take(12).collect();
        let rest = rest.trim_start_matches('{');
        match DIRECTIVES.iter().find(|name| rest.starts_with(**name)) {
            Some(name) => Err(Unsupported(format!("#{name}"))),
            None => Ok(()),
        }
    }

    /// Reads what follows `$`: its text, and whether it is quiet. `None` if it is no reference.
    fn reference(
        &mut self,
        scope: &Map<String, Value>,
    ) -> Result<Option<(Option<String>, bool)>, Unsupported> {
        let is_quiet = self.take_if('!');
        let has_braces = self.take_if('{');
        let Some(first) = self.name() else {
            return Ok(None);
        };
        let mut path = vec![first];
        let mut result = None;
        loop {
            if self.take_if('(') {
                let arguments = self.arguments(scope)?;
                result = Some(call(&path.join("."), &arguments)?);
                if self.peek() == Some('.') && has_braces {
                    return Err(Unsupported(format!("a method of {}", path.join("."))));
                }
                break;
            }
            let end = self.at;
            let Some(name) = self.take_if('.').then(|| self.name()).flatten() else {
                self.at = end;
                break;
            };
            path.push(name);
        }
        if self.peek() == Some('[') {
            return Err(Unsupported(format!("an index of {}", path.join("."))));
        }
        if has_braces && !self.take_if('}') {
            return match self.peek() {
                None => Ok(None),
                Some(_) => Err(Unsupported(format!("what follows {}", path.join(".")))),
            };
        }
        let text = result.map_or_else(|| look_up(&path, scope), Some);
        Ok(Some((text, is_quiet)))
    }

    fn arguments(&mut self, scope: &Map<String, Value>) -> Result<Vec<String>, Unsupported> {
        let mut arguments = Vec::new();
        loop {
            self.skip_spaces();
            match self.take() {
                Some(')') if arguments.is_empty() => return Ok(arguments),
                Some(quote @ ('"' | '\'')) => {
                    let start = self.at;
                    while self.peek().is_some_and(|c| c != quote) {
                        self.at += 1;
                    }
                    let text: String = self.chars[start..self.at].iter().collect();
                    self.at += 1;
                    arguments.push(if quote == '"' {
                        render(&text, scope)?
                    } else {
                        text
                    });
                }
                Some('$') => {
                    let reference = self.reference(scope)?;
                    let (text, _) = reference.ok_or_else(|| Unsupported("$".to_owned()))?;
                    arguments.push(text.unwrap_or_default());
                }
                Some(digit) if digit.is_ascii_digit() => {
                    let start = self.at - 1;
                    while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                        self.at += 1;
                    }
                    arguments.push(self.chars[start..self.at].iter().collect());
                }
                _ => return Err(Unsupported("this argument of a method".to_owned())),
            }
            self.skip_spaces();
            match self.take() {
                Some(')') => return Ok(arguments),
                Some(',') => {}
                _ => return Err(Unsupported("this argument of a method".to_owned())),
            }
        }
    }
}

fn look_up(path: &[String], scope: &Map<String, Value>) -> Option<String> {
    if path == ["esc", "quote"] {
        return Some("\"".to_owned());
    }
    let (first, rest) = path.split_first()?;
    // `Input` and `INPUT` occur, too.
    let mut roots = scope.iter();
    let (_, root) = roots.find(|(name, _)| {
        *name == first || *name == "input" && first.eq_ignore_ascii_case("input")
    })?;
    to_text(rest.iter().try_fold(root, |value, key| value.get(key))?)
}

fn call(name: &str, arguments: &[String]) -> Result<String, Unsupported> {
    Ok(match (name, arguments) {
        ("esc.url", [text]) => form_urlencoded::byte_serialize(text.as_bytes()).collect(),
        ("esc.jsonString" | "esc.jsonEncode", [text]) => {
            let quoted = Value::from(text.as_str()).to_string();
            quoted
                .get(1..quoted.len() - 1)
                .unwrap_or_default()
                .to_owned()
        }
        ("encoding.base64", [text]) => STANDARD.encode(text),
        ("successTemplateUtils.firstFromArray", [array, default @ ..]) => {
            let array = serde_json::from_str::<Vec<Value>>(array).unwrap_or_default();
            let default = || default.first().cloned().unwrap_or_default();
            array.first().map_or_else(default, Value::to_string)
        }
        _ => return Err(Unsupported(format!("the method {name}"))),
    })
}

const DIRECTIVES: [&str; 17] = [
    "if", "else", "end", "set", "foreach", "macro", "parse", "include", "define", "evaluate",
    "break", "stop", "literal", "#", "*", "[[", "@",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Map<String, Value> {
        let scope = json!({
            "input": { "a": "x y\"z", "n": 7, "o": { "p": [1] }, "none": null },
            "ids": "[\"first\",\"second\"]",
            "empty": "[]",
            "credentials": { "clientId": "id" },
        });
        scope.as_object().unwrap().clone()
    }

    #[test]
    fn references_are_filled_in() {
        for (template, expected) in [
            ("${input.a}/$input.n.", "x y\"z/7."),
            ("${input.o} ${input.o.p}", "{\"p\":[1]} [1]"),
            (
                "${input.none}|$!{input.none}|$!input.missing|",
                "${input.none}|||",
            ),
            ("${Input.n}${INPUT.n}", "77"),
            ("$esc.url(${input.a})", "x+y%22z"),
            ("$esc.jsonString($input.a)", "x y\\\"z"),
            ("${esc.jsonEncode(\"${input.a}\")}", "x y\\\"z"),
            ("$esc.quote$esc.quote", "\"\""),
            (
                "$encoding.base64(\"${credentials.clientId}:s\")",
                "aWQ6cw==",
            ),
            (
                "${successTemplateUtils.firstFromArray(\"${ids}\", \"none\")}",
                "\"first\"",
            ),
            (
                "${successTemplateUtils.firstFromArray(\"${empty}\",\"$esc.quote$esc.quote\")}",
                "\"\"",
            ),
            (
                "costs $5, 100 $ and #1 ${unclosed",
                "costs $5, 100 $ and #1 ${unclosed",
            ),
        ] {
            assert_eq!(render(template, &scope()).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn other_parts_of_velocity_are_unsupported() {
        for template in [
            "#if($input.a)x#end",
            "#set($x = 1)",
            "#{foreach}",
            "## a comment",
            "${input.a.replace(\"x\", \"y\")}",
            "$math.add(1, 2)",
            "$esc.url(true)",
            "$esc.url(",
            "${esc.url(\"a\").length()}",
            "$input.o.p[0]",
            "${input.o.p[0]}",
            "${input.a|'x'}",
            "${input.a }",
        ] {
            assert!(render(template, &scope()).is_err(), "{template}");
        }
    }
}
