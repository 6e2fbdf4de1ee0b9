//! The values of variables, and errors that name them.

use crate::{environment, error::Error, outside_text::clean};

/// Returns the variable's value; `None` if it is absent or empty.
pub(super) fn variable(name: &str) -> Result<Option<String>, Error> {
    environment::text(name).map_err(Error::configuration)
}

/// The same for a value that is one word.
pub(super) fn word(name: &str) -> Result<Option<String>, Error> {
    let Some(text) = variable(name)? else {
        return Ok(None);
    };
    let fault = |fault| Error::configuration(format!("the variable {name} {fault}"));
    let text = clean(&text).map_err(fault)?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
