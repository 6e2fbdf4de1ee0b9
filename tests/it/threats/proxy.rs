//! Proxies from the environment or from the program's closure.

use std::process::{Command, Stdio};

use genesys_cloud_auth::{HttpClient, PlatformClient, Region, TokenProvider};

use super::{Pair, localhost_url};
use crate::support::{
    credentials,
    server::{Reply, Server},
};

/// Variables can only be set for another process, so the test runs itself again.
#[test]
fn loopback_requests_never_use_a_proxy() {
    if let Some(child) = Child::of_this_process() {
        return child.run();
    }
    let pair = Pair::start();
    let proxy = Server::start(Reply::json(200, r#"{"access_token":"proxied"}"#));
    for (url, count) in [
        (localhost_url as fn(&Server) -> String, 1),
        (Server::url, 2),
    ] {
        Child::start("ours", &url(&pair.login), &url(&pair.api), &proxy);
        assert_eq!(pair.login.requests().len(), count);
        assert_eq!(pair.api.requests().len(), count);
        assert_eq!(proxy.connections(), 0);
    }
    // A plain reqwest client shows that the variables have an effect.
    Child::start("plain", &pair.login.url(), &pair.api.url(), &proxy);
    assert_eq!(pair.api.requests().len(), 2);
    assert!(proxy.connections() > 0);
}

/// What the process with the variables of a proxy shall do.
struct Child {
    mode: String,
    login: String,
    api: String,
    proxy: String,
}

impl Child {
    #[allow(
        clippy::disallowed_methods,
        reason = "the test reads what the process that started it has set"
    )]
    fn of_this_process() -> Option<Self> {
        let task = std::env::var(TASK).ok()?;
        let mut words = task.split(' ').map(str::to_owned);
        let mut next = || words.next().unwrap();
        Some(Self {
            mode: next(),
            login: next(),
            api: next(),
            proxy: next(),
        })
    }

    fn start(mode: &str, login: &str, api: &str, proxy: &Server) {
        let proxy = proxy.url();
        let name = "threats::proxy::loopback_requests_never_use_a_proxy";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([name, "--exact", "--nocapture"])
            .env(TASK, format!("{mode} {login} {api} {proxy}"))
            .stdin(Stdio::null());
        for variable in ["NO_PROXY", "no_proxy"] {
            command.env_remove(variable);
        }
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(variable, &proxy);
            command.env(variable.to_ascii_lowercase(), &proxy);
        }
        let output = command.output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && shown.contains(DONE),
            "{shown}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    #[allow(clippy::print_stdout, reason = "the parent reads it")]
    fn run(self) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            if self.mode == "plain" {
                let response = reqwest::get(format!("{}/api/v2/users/me", self.api)).await;
                response.unwrap();
            } else {
                let region = Region::custom(&self.login, &self.api).unwrap();
                let proxy = reqwest::Proxy::all(&self.proxy).unwrap();
                let http_client =
                    HttpClient::new(move |reqwest| reqwest.proxy(proxy.clone())).unwrap();
                let builder = TokenProvider::builder(region, credentials());
                let api = PlatformClient::new(builder.http_client(http_client).build().unwrap());
                api.get("/api/v2/users/me").send().await.unwrap();
            }
        });
        println!("{DONE}");
    }
}

const TASK: &str = "GENESYS_CLOUD_AUTH_TEST_CHILD";
const DONE: &str = "the child is done";
