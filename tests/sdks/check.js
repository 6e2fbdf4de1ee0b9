// Uses Genesys' own JavaScript SDK as its documentation says, with the region and proxy of the
// variables. NODE_PATH names the folder with the packages.
//
// The program that starts this one also compares the requests: they are the same in check.py.

const fs = require("fs");
const readline = require("readline/promises");
const { HttpsProxyAgent } = require("hpagent");
const sdk = require("purecloud-platform-client-v2");

function check(isTrue, otherwise) {
  if (!isTrue) throw new Error(otherwise);
}

const variable = (name) => process.env[`SDK_${name}`];

function clientOf(region) {
  const client = sdk.ApiClient.instance;
  client.setEnvironment(region);
  client.setProxyAgent(
    new HttpsProxyAgent({ proxy: variable("PROXY"), ca: fs.readFileSync(variable("CA")) }),
  );
  return client;
}

// Returns the error that the SDK rejects with for the server's response.
async function errorOf(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("no error was raised");
}

async function useClientCredentials() {
  const client = clientOf(variable("REGION"));
  const clientId = variable("CLIENT_ID");
  const login = await errorOf(client.loginClientCredentialsGrant(clientId, "wrong"));
  check(login.response?.status === 400, `${login}`);
  check(login.response.data.error === "invalid_client", JSON.stringify(login.response.data));

  await client.loginClientCredentialsGrant(clientId, variable("CLIENT_SECRET"));
  const organization = await new sdk.OrganizationApi().getOrganizationsMe();
  check(organization.name === "Sandbox", organization.name);

  const users = [];
  for (let pageNumber = 1, pageCount = 1; pageNumber <= pageCount; pageNumber++) {
    const page = await new sdk.UsersApi().getUsers({ pageSize: 25, pageNumber });
    users.push(...page.entities.map((user) => user.id));
    pageCount = page.pageCount;
  }
  check(new Set(users).size === 60, `${users.length} users`);

  const error = await errorOf(new sdk.UsersApi().getUsersMe());
  check(error.status === 400, `status ${error.status}`);
  check(error.code === "bad.request", JSON.stringify(error));
  check(typeof error.contextId === "string", JSON.stringify(error));
}

async function logInWithPkce() {
  const [region, clientId] = [variable("USERS_REGION"), variable("USERS_CLIENT_ID")];
  const redirectUri = variable("REDIRECT_URI");
  const client = clientOf(region);
  const verifier = client.generatePKCECodeVerifier(128);
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: await client.computePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const input = readline.createInterface({ input: process.stdin });
  console.log(`log in: https://login.${region}/oauth/authorize?${query}`);
  const [redirected] = await require("events").once(input, "line");
  input.close();
  const code = new URL(redirected).searchParams.get("code");
  await client.authorizePKCEGrant(clientId, verifier, code, redirectUri);
  const user = await new sdk.UsersApi().getUsersMe();
  check(user.id === variable("USER_ID"), user.id);
}

(async () => {
  await useClientCredentials();
  await logInWithPkce();
  console.log("JavaScript SDK: client credentials, pages, errors and PKCE work");
  // The SDK watches its settings.
  process.exit();
})().catch((error) => {
  console.error(`check.js: ${error.stack ?? JSON.stringify(error)}`);
  process.exit(1);
});
