"""The secret behind the hashes of addresses: never in the database, so never in its dumps.

Who finds a copy of the database cannot try addresses against the hashes of erased customers.
It is read from the option ``crm_customer_secret`` of the configuration file, else from the
environment variable ``CRM_CUSTOMER_SECRET``, else from a file made once in the data directory,
which all servers of one database share.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import os
import secrets
import tempfile

from odoo.tools import SQL, config

OPTION = 'crm_customer_secret'
VARIABLE = 'CRM_CUSTOMER_SECRET'
FILE_NAME = 'crm_customer_secret'

BLOCK_SIZE = 64  # of SHA-256, in bytes


def get_secret() -> bytes:
    """Return the secret; the first call of a new installation makes it."""
    given = config.get(OPTION) or os.environ.get(VARIABLE)
    if given:
        return given.encode()
    return _get_secret_of_file(os.path.join(config['data_dir'], FILE_NAME))


@functools.lru_cache(maxsize=4)
def _get_secret_of_file(path: str) -> bytes:
    if not os.path.exists(path):
        _make_secret_file(path)
    with open(path, 'rb') as file:
        return file.read().strip()


def _make_secret_file(path: str) -> None:
    """Make the file, complete or not at all: of two processes the first one wins."""
    handle, draft = tempfile.mkstemp(dir=os.path.dirname(path))  # readable by us alone
    try:
        with os.fdopen(handle, 'w') as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)


def hash_text(text: str) -> str:
    """Return the HMAC-SHA256 of a text as hexadecimal digits."""
    return hmac.new(get_secret(), text.encode(), hashlib.sha256).hexdigest()


def hash_sql(text: SQL) -> SQL:
    """Return the expression with the value of :func:`hash_text` for each row.

    An HMAC is two nested hashes with the key mixed into each; PostgreSQL has the hash.

    :param text: expression of type text
    """
    inner, outer = _get_pads(get_secret())
    return SQL(
        "encode(sha256(%s::bytea || sha256(%s::bytea || convert_to(%s, 'UTF8'))), 'hex')",
        outer,
        inner,
        text,
    )


def _get_pads(secret: bytes) -> tuple[bytes, bytes]:
    """Return the key as the inner and the outer hash begin with it (RFC 2104)."""
    if len(secret) > BLOCK_SIZE:
        secret = hashlib.sha256(secret).digest()
    key = secret.ljust(BLOCK_SIZE, b'\0')
    return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)
