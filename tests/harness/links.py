"""Links as the notifier writes them (libcommon/signing/link.h and token.h), made by code that shares nothing with it."""
import base64
import hashlib
import hmac
import time

ACKNOWLEDGE, UNSUBSCRIBE = 2, 3


def hash_key(keyring):
    for line in open(keyring, encoding="ascii"):
        if line.startswith("hash "):
            return bytes.fromhex(line.split()[1])
    raise AssertionError("the ring has no hash key")


def link_key(keyring):
    """vault_hash(): HMAC-SHA256 of tenant, field and text under the ring's hash key; of no tenant, for links."""
    field, text = b"link.key", b"links without signing in"
    head = b"\x01\0\0" + (0).to_bytes(8, "big") + field + b"\0"
    return hmac.new(hash_key(keyring), head + text, hashlib.sha256).digest()


def number(value):
    out = bytearray()
    while value > 0x7F:
        out.append(0x80 | value & 0x7F)
        value >>= 7
    out.append(value)
    return bytes(out)


def token(keyring, purpose, tenant, ticket, person, seconds=3600, key_id=1):
    minutes = -(-int(time.time() + seconds) // 60)
    body = bytes([key_id, purpose]) + b"".join(map(number, (tenant, ticket, person, max(minutes, 0))))
    mac = hmac.new(link_key(keyring), b"docket-token-1:" + body, hashlib.sha256).digest()[:10]
    return base64.b32encode(body + mac).decode().rstrip("=").lower()
