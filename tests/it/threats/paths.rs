//! Paths that lead away from the Platform API.

use genesys_cloud_auth::{PlatformClient, Region};
use http::Method;

use super::Pair;
use crate::support::{
    kind_of, provider_of,
    server::{Reply, Server},
};

#[tokio::test]
async fn path_that_leaves_the_api_is_invalid_and_nothing_is_sent() {
    let pair = Pair::start();
    let elsewhere = Server::start(Reply::json(200, "{}"));
    let address = elsewhere.address().to_string();
    for prefix in ["", "/gateway"] {
        let api_url = format!("{}{prefix}", pair.api.url());
        let region = Region::custom(&pair.login.url(), &api_url).unwrap();
        let api = PlatformClient::new(provider_of(region).0.build().unwrap());
        for path in paths_that_leave(&address) {
            for method in [Method::GET, Method::POST] {
                let error = api.request(method, &path).send().await.expect_err(&path);
                assert_eq!(kind_of(&error), "InvalidPath", "{path:?}: {error}");
            }
        }
        for id in [
            "",
            ".",
            "..",
            "../x",
            "%2e%2e",
            "..%2f",
            "a\\b",
            "a\0",
            "a\r\nHost: x",
        ] {
            let call = api.get("/api/v2/users").segment(id);
            assert_eq!(kind_of(&call.send().await.expect_err(id)), "InvalidPath");
        }
    }
    assert_eq!(pair.api.connections(), 0);
    assert_eq!(elsewhere.connections(), 0);
    assert_eq!(pair.login.connections(), 0);
}

/// Returns paths to another host or above the API, in many spellings.
fn paths_that_leave(address: &str) -> Vec<String> {
    let mut paths: Vec<String> = [
        "http://{}/x",
        "https://{}/x",
        "//{}/x",
        "///{}/x",
        "/\t/{}/x",
        "/\n/{}/x",
        "/\r/{}/x",
        "/\\{}/x",
        "\\\\{}/x",
        "\\/{}/x",
        "@{}/x",
        ":x@{}/x",
        ".{}/x",
        " //{}/x",
        "\u{a0}//{}/x",
        "\0//{}/x",
        "?//{}/x",
        "#@{}/x",
    ]
    .map(|path| path.replace("{}", address))
    .to_vec();
    paths.extend(
        [
            "",
            "api/v2/users",
            "/..",
            "/../x",
            "/./x",
            "/api/..",
            "/api/../../x",
            "/api/%2e%2e/x",
            "/api/%2E%2E/x",
            "/api/.%2e/x",
            "/api/%2e./x",
            "/api/%2e/x",
            "/api/%252e%252e/x",
            "/api/%25252e%25252e/x",
            "/api/..%2fx",
            "/api/x%2f..%2fy",
            "/api/..%5cx",
            "/api/x%5c..",
            "/api/..;/x",
            "/api/..;a=b/x",
            "/api/\\../x",
            "/api/.\t./x",
            "/api/.\n./x",
            "/api/%00",
            "/api/%0d%0aHost:x",
            "/api//x",
            "/api/x/",
            "/api/x#y",
            "/api/x?y#z",
            "/api/x?y\r\nHost: x",
        ]
        .map(str::to_owned),
    );
    paths
}
