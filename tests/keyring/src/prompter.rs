//! A program that asks for the keyring's password, in the place of the desktop's own.

use std::time::Duration;

use dbus::{blocking::Connection, channel::MatchingReceiver, message::MatchRule};

use crate::Result;

/// Opens each prompt, and never reports that somebody has typed a password.
pub fn keep_prompts_open() -> Result {
    let connection = Connection::new_session()?;
    connection.request_name("org.gnome.keyring.SystemPrompter", false, true, false)?;
    let accept = |call: dbus::Message, connection: &Connection| {
        let method = call.member();
        let accepted = dbus::channel::Sender::send(connection, call.method_return());
        println!("prompter: {}", method.as_deref().unwrap_or_default());
        accepted.is_ok()
    };
    connection.start_receive(MatchRule::new_method_call(), Box::new(accept));
    println!("prompter: ready");
    loop {
        connection.process(Duration::from_secs(60))?;
    }
}
