"""Certificates that the operator puts into a directory: `NAME/fullchain.pem` and `NAME/privkey.pem`.

NAME is a zone or a hostname. That is how certbot, lego and acme.sh lay theirs out; links are followed.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from provisioning.certificates.protocol import CertificateFiles

CHAIN_FILE = "fullchain.pem"
KEY_FILE = "privkey.pem"
# Nothing that leads to another directory.
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9][a-z0-9-]{0,62})*")


class FileSource:
    name = "files"

    def __init__(self, home: Path) -> None:
        self.home = home

    def certificate_for(self, names: Sequence[str]) -> CertificateFiles | None:
        """None where neither file is there. A link that leads nowhere counts as a file: it is to be reported."""
        name = names[0].removeprefix("*.")
        if not _NAME.fullmatch(name):
            return None
        files = CertificateFiles(self.home / name / CHAIN_FILE, self.home / name / KEY_FILE)
        return files if any(os.path.lexists(path) for path in (files.chain, files.key)) else None
