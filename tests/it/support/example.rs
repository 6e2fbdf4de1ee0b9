//! Examples that run as programs.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    task::JoinSet,
    time::timeout,
};
use url::Url;

use super::visitor::Visitor;
use crate::{environment::VARIABLES, quickstart::program};

const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Starts a web application without arguments. Returns its process, what it prints, and its address.
pub async fn start_web_app(example: &str) -> (Child, String, Url) {
    let mut command = Command::new(program(example));
    command.stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let mut text = String::new();
    loop {
        let line = timeout(TEST_TIMEOUT, lines.next_line()).await;
        let line = line.unwrap().unwrap().expect("an address");
        text.extend([&line, "\n"]);
        if let Some(url) = line.strip_prefix("Open ") {
            return (child, text, Url::parse(url).unwrap());
        }
    }
}

/// Asserts that an example fails with these arguments and without variables of this crate, and shows the
/// reason.
pub async fn assert_fails(example: &str, arguments: &[&str], reason: &str) {
    let mut command = Command::new(program(example));
    for name in VARIABLES
        .into_iter()
        .chain(["GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE"])
    {
        command.env_remove(name);
    }
    let output = command.args(arguments).kill_on_drop(true).output();
    let output = timeout(TEST_TIMEOUT, output).await.unwrap().unwrap();
    let text = in_one_line(&String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && text.contains(reason), "{text}");
}

/// Returns the text without its line breaks and indents.
pub fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A web application that runs in this process.
pub struct WebApp {
    pub base: Url,
    /// The set stops the servers when it is dropped.
    pub _servers: JoinSet<std::io::Result<()>>,
}

impl WebApp {
    pub fn at(&self, path: &str) -> Url {
        self.base.join(path).unwrap()
    }

    /// The name in the application's greeting. It is empty if nobody is logged in.
    pub async fn greeted_user(&self, visitor: &mut Visitor) -> String {
        let home = visitor.get(self.at("/")).await;
        assert_eq!(home.status, 200);
        let (_, title) = home.text.split_once("<h1>").unwrap();
        let (title, _) = title.split_once("</h1>").unwrap();
        title.strip_prefix("Hello, ").unwrap_or_default().to_owned()
    }

    /// Asserts that only pages of the application can log the user out.
    pub async fn assert_only_own_pages_log_out(&self, visitor: &mut Visitor, user: &str) {
        let origin = self.base.origin().ascii_serialization();
        let own = [("origin", origin.as_str())];
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site"), own[0]],
            &[("origin", "http://localhost")],
            &[("origin", "null")],
            &[],
        ] {
            let answer = visitor.post(self.at("logout"), &[], headers).await;
            assert_eq!(answer.status, 403, "{headers:?}");
            assert_eq!(answer.header("set-cookie"), "");
        }
        assert_eq!(visitor.get(self.at("logout")).await.status, 405);
        assert_eq!(self.greeted_user(visitor).await, user);
        // An older browser sends only its origin.
        let answer = visitor.post(self.at("logout"), &[], &own).await;
        assert_eq!(answer.status, 303);
        assert_eq!(self.greeted_user(visitor).await, "");
    }
}
