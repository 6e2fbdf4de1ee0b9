// Verifies with node-saml. For each case it prints the subject in the signed element, or the error.
//
// Reads the cases as JSON from standard input, and writes JSON to standard output. NODE_PATH names the
// folder with the packages.

const { SAML } = require("@node-saml/node-saml");
const xml = require("@node-saml/node-saml/lib/xml");

async function subjectOfResponse({ document, signed }, certificate, audience) {
  const saml = new SAML({
    idpCert: certificate,
    issuer: audience,
    audience,
    callbackUrl: audience,
    wantAssertionsSigned: signed === "Assertion",
    wantAuthnResponseSigned: signed === "Response",
    validateInResponseTo: "never",
  });
  const SAMLResponse = Buffer.from(document).toString("base64");
  const { profile } = await saml.validatePostResponseAsync({ SAMLResponse });
  return profile.nameID;
}

/** node-saml does not accept an assertion alone, but its signature check does. */
async function subjectOfAssertion({ document }, certificate) {
  const { documentElement } = await xml.parseDomFromString(document);
  const verified = xml.getVerifiedXml(document, documentElement, [certificate]);
  if (!verified) throw new Error("no valid signature");
  const signed = await xml.parseDomFromString(verified);
  const [nameId] = xml.xpath.selectElements(signed, "//*[local-name(.)='NameID']");
  return nameId.textContent;
}

async function main() {
  const { certificate, audience, cases } = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const subjects = [];
  for (const one of cases) {
    const { documentElement } = await xml.parseDomFromString(one.document);
    const subject = documentElement.localName === "Response" ? subjectOfResponse : subjectOfAssertion;
    subjects.push(await subject(one, certificate, audience).catch(String));
  }
  process.stdout.write(JSON.stringify(subjects));
}

main();
