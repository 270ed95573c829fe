"""A throw-away certificate authority in a folder, made with the openssl command; used again when it is there."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")
VALID_DAYS = 3650


@dataclass(frozen=True)
class Certificate:
    cert: Path
    key: Path


class Authority:
    def __init__(self, folder: Path):
        self.folder = folder
        self.root = Certificate(folder / "ca.crt", folder / "ca.key")
        if not self.root.cert.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _request(self.root, "Ballast throw-away CA", ["basicConstraints=critical,CA:TRUE"])

    def issue(self, name: str, subject: str = "localhost", hosts=LOOPBACK) -> Certificate:
        """A certificate for `hosts`; for a client certificate `subject` is the user."""
        issued = Certificate(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        extensions = ["basicConstraints=critical,CA:FALSE", f"subjectAltName={','.join(hosts)}"]
        _request(issued, subject, extensions, issuer=self.root)
        return issued


def _request(made: Certificate, subject: str, extensions: list[str], issuer: Certificate | None = None):
    command = ["openssl", "req", "-x509", "-config", "/dev/null", "-nodes", "-days", str(VALID_DAYS)]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-sha256", "-subj", f"/CN={subject}"]
    for extension in extensions:
        command += ["-addext", extension]
    if issuer:
        command += ["-CA", str(issuer.cert), "-CAkey", str(issuer.key)]
    subprocess.run([*command, "-keyout", str(made.key), "-out", str(made.cert)], check=True, capture_output=True)
    made.key.chmod(0o600)
