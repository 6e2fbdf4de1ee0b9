"""Uses Genesys' own Python SDK as its documentation says, with the region and proxy of the variables.

The program that starts this one also compares the requests: they are the same in check.js.
"""

import json
import os
import urllib.parse

import PureCloudPlatformClientV2 as sdk
from PureCloudPlatformClientV2.rest import ApiException


def require(is_true, otherwise):
    if not is_true:
        raise SystemExit(f"check.py: {otherwise}")


def variable(name):
    return os.environ[f"SDK_{name}"]


def client_of(region):
    sdk.configuration.host = f"https://api.{region}"
    return sdk.api_client.ApiClient()


def error_of(call):
    """Returns the error that the SDK raises for the server's response."""
    try:
        call()
    except ApiException as error:
        return error
    raise SystemExit("check.py: no error was raised")


def use_client_credentials():
    client = client_of(variable("REGION"))
    client_id = variable("CLIENT_ID")
    error = error_of(lambda: client.get_client_credentials_token(client_id, "wrong"))
    require(error.status == 400, f"status {error.status}")
    require(json.loads(error.body)["error"] == "invalid_client", error.body)

    client.get_client_credentials_token(client_id, variable("CLIENT_SECRET"))
    organization = sdk.OrganizationApi(client).get_organizations_me()
    require(organization.name == "Sandbox", organization.name)

    users = []
    page_number = page_count = 1
    while page_number <= page_count:
        page = sdk.UsersApi(client).get_users(page_size=25, page_number=page_number)
        users += [user.id for user in page.entities]
        page_count = page.page_count
        page_number += 1
    require(len(set(users)) == 60, f"{len(users)} users")

    error = error_of(lambda: sdk.UsersApi(client).get_users_me())
    require(error.status == 400, f"status {error.status}")
    body = json.loads(error.body)
    require(body["code"] == "bad.request", error.body)
    require(body["contextId"] == error.headers["inin-correlation-id"], error.body)


def log_in_with_pkce():
    region, client_id = variable("USERS_REGION"), variable("USERS_CLIENT_ID")
    redirect_uri = variable("REDIRECT_URI")
    client = client_of(region)
    verifier = client.generate_pkce_code_verifier(128)
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_challenge": client.compute_pkce_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    print(f"log in: https://login.{region}/oauth/authorize?{urllib.parse.urlencode(query)}", flush=True)
    redirected = urllib.parse.urlsplit(input())
    code = urllib.parse.parse_qs(redirected.query)["code"][0]
    client.get_pkce_token(client_id, verifier, code, redirect_uri)
    user = sdk.UsersApi(client).get_users_me()
    require(user.id == variable("USER_ID"), user.id)


sdk.configuration.proxy = variable("PROXY")
sdk.configuration.ssl_ca_cert = variable("CA")
use_client_credentials()
log_in_with_pkce()
print("Python SDK: client credentials, pages, errors and PKCE work")
