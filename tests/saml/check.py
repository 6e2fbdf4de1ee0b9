"""Signatures of another implementation, carried by this crate's client, and checked by two others.

    python check.py SENDER

pysaml2 and xmlsec1 sign; SENDER, a program with the client, sends to an endpoint here; what came
over the wire is verified by signxml and by node-saml, as it came and tampered with.
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
# What both say of a signature, and not of anything else.
BROKEN = "InvalidDigest: .*|Error: (Invalid|Invalid document|no valid) signature"
GRANT = "urn:ietf:params:oauth:grant-type:saml2-bearer"


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Keeps each form that comes, and answers with a token."""

    forms: list = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
        form = urllib.parse.parse_qsl(body, keep_blank_values=True, strict_parsing=True)
        self.forms.append((self.path, self.headers["Authorization"], form))
        answer = b'{"access_token":"a-token","token_type":"bearer","expires_in":3600}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@dataclass
class Case:
    """A document, and whether its signature is to hold."""

    name: str
    document: str
    signed: str
    holds: bool


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
                cases += carried(sender, url, folder, idp.response(signed), signed, form)
    wrong = [
        problem
        for case, by_node in zip(cases, node_saml(cases, idp.certificate), strict=True)
        for problem in judged(case, idp.certificate, by_node)
    ]
    for problem in wrong:
        print(problem)
    held = sum(case.holds for case in cases)
    print(f"{held} documents to verify, {len(cases) - held} not to, {len(wrong)} judged otherwise")
    # The signed assertion twice in each form, the signed response once.
    if wrong or held != 6 or len(cases) != 30:
        sys.exit("the signatures do not hold as they should")


def carried(sender, url, folder, response, signed, form):
    """What the client makes of a response, in both encodings."""
    file = folder / "given"
    file.write_text(response if form == "xml" else posted(response), encoding="utf-8")
    name = f"{signed} signed, given as {form}"

    document = base64.b64decode(sent(sender, url, "posted", file), validate=True)
    require(document == response.encode(), f"{name}: not the bytes that were given")
    cases = variants(f"{name}, sent whole", document.decode(), signed)

    if signed == "Response":
        # Alone, the assertion would have no signature.
        refused = send(sender, url, "rfc7522", file)
        require(refused.returncode != 0 and not Endpoint.forms, f"{name}: sent all the same")
        require("only the Response is signed" in refused.stderr, f"{name}: {refused.stderr}")
        return cases

    value = sent(sender, url, "rfc7522", file)
    require(re.fullmatch(r"[\w-]+", value, re.ASCII), f"{name}: not base64url")
    alone = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    given = re.search(r"<ns1:Assertion\b.*</ns1:Assertion>", response, re.DOTALL)[0]
    # Declarations may come into the start tag; all else is as it was.
    require(alone.split(">", 1)[1] == given.split(">", 1)[1], f"{name}: changed")
    return cases + variants(f"{name}, sent alone", alone, signed)


def posted(response):
    """As an identity provider posts it, in lines."""
    return base64.encodebytes(response.encode()).decode().replace("\n", "\r\n")


def send(sender, url, encoding, file):
    command = [sender, url, encoding, str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def sent(sender, url, encoding, file):
    """The assertion as it came over the wire."""
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
    """The document, which is to hold, and what was done to it, which is not."""
    changes = {
        "a byte of a value": ("a name with", "b name with"),
        "another NameID": (SUBJECT, SUBJECT.replace("1", "2")),
        "a space put between elements": ("<ns1:Conditions", " <ns1:Conditions"),
        "two spaces made one": ("with  spaces", "with spaces"),
    }
    cases = [Case(name, document, signed, True)]
    for change, (old, new) in changes.items():
        require(document.count(old) == 1, f"{name}: {old} is not there once")
        cases.append(Case(f"{name}, {change}", document.replace(old, new), signed, False))
    return cases


def judged(case, certificate, by_node):
    """What is wrong with how both judge a case."""
    for peer, answer in [("signxml", signxml(case, certificate)), ("node-saml", by_node)]:
        if not re.fullmatch(re.escape(SUBJECT) if case.holds else BROKEN, answer):
            yield f"{case.name}: {peer} says {answer}"


def signxml(case, certificate):
    """The subject in what is signed, or why the signature does not hold."""
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
    """The same, each by node-saml."""
    asked = {
        "certificate": certificate,
        "audience": AUDIENCE,
        "cases": [{"document": case.document, "signed": case.signed} for case in cases],
    }
    script = pathlib.Path(__file__).with_name("verify.js")
    answer = subprocess.run(
        ["node", str(script)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    require(answer.returncode == 0, answer.stderr)
    return json.loads(answer.stdout)


def require(condition, problem):
    if not condition:
        sys.exit(problem)


if __name__ == "__main__":
    main(sys.argv[1])
