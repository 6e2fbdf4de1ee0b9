"""Checks that the client sends signed SAML documents unchanged.

    python check.py SENDER

pysaml2 and xmlsec1 sign. SENDER, a program with the client, sends to an endpoint of this program.
signxml and node-saml verify what arrived, unchanged and tampered with.
"""

import base64
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from dataclasses import dataclass

from signxml import SignatureConfiguration, XMLVerifier

from issue import AUDIENCE, SUBJECT, IdentityProvider

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
# The errors of both for an invalid signature.
INVALID_SIGNATURE = "InvalidDigest: .*|Error: (Invalid|Invalid document|no valid) signature"
GRANT = "urn:ietf:params:oauth:grant-type:saml2-bearer"


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Keeps each form that arrives, and responds with a token."""

    forms: list = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
        form = urllib.parse.parse_qsl(body, keep_blank_values=True, strict_parsing=True)
        self.forms.append((self.path, self.headers["Authorization"], form))
        body = b'{"access_token":"a-token","token_type":"bearer","expires_in":3600}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@dataclass
class Case:
    """A document, and whether its signature is expected to be valid."""

    name: str
    document: str
    signed: str
    is_valid: bool


def main(sender: str):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        idp = IdentityProvider(folder)
        cases = []
        for signed in ["Assertion", "Response"]:
            for form in ["xml", "posted"]:
                cases += sent_cases(sender, url, folder, idp.response(signed), signed, form)
    wrong = [
        problem
        for case, by_node in zip(cases, node_saml(cases, idp.certificate), strict=True)
        for problem in problems_of(case, idp.certificate, by_node)
    ]
    for problem in wrong:
        print(problem)
    valid = sum(case.is_valid for case in cases)
    print(f"{valid} valid documents, {len(cases) - valid} tampered with, {len(wrong)} wrong results")
    # The signed assertion twice in each form, the signed response once.
    if wrong or valid != 6 or len(cases) != 30:
        sys.exit("not every signature was verified as expected")


def sent_cases(sender, url, folder, response, signed, form):
    """Sends a response in both encodings, and returns the cases to verify."""
    file = folder / "given"
    file.write_text(response if form == "xml" else posted(response), encoding="utf-8")
    name = f"{signed} signed, given as {form}"

    document = base64.b64decode(sent(sender, url, "posted", file), validate=True)
    require(document == response.encode(), f"{name}: the bytes were changed")
    cases = variants(f"{name}, sent whole", document.decode(), signed)

    if signed == "Response":
        # Alone, the assertion would have no signature.
        outcome = send(sender, url, "rfc7522", file)
        require(outcome.returncode != 0 and not Endpoint.forms, f"{name}: sent unsigned")
        require("only the Response is signed" in outcome.stderr, f"{name}: {outcome.stderr}")
        return cases

    value = sent(sender, url, "rfc7522", file)
    require(re.fullmatch(r"[\w-]+", value, re.ASCII), f"{name}: not base64url")
    alone = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    given = re.search(r"<ns1:Assertion\b.*</ns1:Assertion>", response, re.DOTALL)[0]
    # The start tag may have more declarations. Nothing else may differ.
    require(alone.split(">", 1)[1] == given.split(">", 1)[1], f"{name}: changed")
    return cases + variants(f"{name}, sent alone", alone, signed)


def posted(response):
    """Encodes a response as an identity provider posts it, in lines."""
    return base64.encodebytes(response.encode()).decode().replace("\n", "\r\n")


def send(sender, url, encoding, file):
    command = [sender, url, encoding, str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def sent(sender, url, encoding, file):
    """Sends an assertion, and returns it as it arrived."""
    outcome = send(sender, url, encoding, file)
    require(outcome.returncode == 0, outcome.stderr)
    [(path, authorization, form)] = Endpoint.forms
    Endpoint.forms.clear()
    require(path == "/login/oauth/token", path)
    basic = base64.b64encode(b"a-client:a-secret").decode()
    require(authorization == f"Basic {basic}", "another client")
    names = [name for name, _ in form]
    require(sorted(names) == ["assertion", "grant_type", "orgName"], str(names))
    form = dict(form)
    require((form["grant_type"], form["orgName"]) == (GRANT, "my-org"), "another grant")
    return form["assertion"]


def variants(name, document, signed):
    """Returns the document, and versions of it that were tampered with."""
    changes = {
        "a byte of a value": ("a name with", "b name with"),
        "another NameID": (SUBJECT, SUBJECT.replace("1", "2")),
        "a space put between elements": ("<ns1:Conditions", " <ns1:Conditions"),
        "two spaces made one": ("with  spaces", "with spaces"),
    }
    cases = [Case(name, document, signed, True)]
    for change, (old, new) in changes.items():
        require(document.count(old) == 1, f"{name}: {old} does not occur once")
        cases.append(Case(f"{name}, {change}", document.replace(old, new), signed, False))
    return cases


def problems_of(case, certificate, by_node):
    """Yields each wrong result of the two verifiers."""
    for peer, result in [("signxml", signxml(case, certificate)), ("node-saml", by_node)]:
        if not re.fullmatch(re.escape(SUBJECT) if case.is_valid else INVALID_SIGNATURE, result):
            yield f"{case.name}: {peer} says {result}"


def signxml(case, certificate):
    """Returns the subject in the signed element, or the error."""
    is_inside = case.signed == "Assertion" and "Response" in case.document.split(">", 2)[1]
    location = f"./{SAML}Assertion/" if is_inside else "./"
    try:
        verified = XMLVerifier().verify(
            case.document.encode(),
            x509_cert=certificate,
            expect_config=SignatureConfiguration(location=location),
        )
        return verified.signed_xml.find(f".//{SAML}NameID").text
    except Exception as error:  # pylint: disable=broad-except
        return f"{type(error).__name__}: {error}"


def node_saml(cases, certificate):
    """Returns the same from node-saml, for each case."""
    request = {
        "certificate": certificate,
        "audience": AUDIENCE,
        "cases": [{"document": case.document, "signed": case.signed} for case in cases],
    }
    script = pathlib.Path(__file__).with_name("verify.js")
    outcome = subprocess.run(
        ["node", str(script)],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    require(outcome.returncode == 0, outcome.stderr)
    return json.loads(outcome.stdout)


def require(condition, problem):
    if not condition:
        sys.exit(problem)


if __name__ == "__main__":
    main(sys.argv[1])
