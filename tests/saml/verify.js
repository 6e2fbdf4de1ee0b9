// Verifies with node-saml: for each case the subject in what is signed, or why it does not hold.
//
// Cases come as JSON on standard input, and go so on standard output. Packages are looked for in the
// folder that NODE_PATH names.

const { SAML } = require("@node-saml/node-saml");
const xml = require("@node-saml/node-saml/lib/xml");

async function ofResponse({ document, signed }, certificate, audience) {
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

/** node-saml takes no assertion alone; its check of a signature does. */
async function ofAssertion({ document }, certificate) {
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
    const subject = documentElement.localName === "Response" ? ofResponse : ofAssertion;
    subjects.push(await subject(one, certificate, audience).catch(String));
  }
  process.stdout.write(JSON.stringify(subjects));
}

main();
