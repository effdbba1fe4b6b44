"""URLs that need no key: an HMAC over asset, expiry and variant. Two secrets are good while one replaces the other."""

import hashlib
import hmac

from contracts.catalog import CatalogError

LIFETIME_S = 3600
#: What stands before the variant in the signature of a file that a reviewer withholds.
WITHHELD = "withheld "


class Signer:
    """Signs and checks. The first line of the secret signs; every line is accepted."""

    def __init__(self, secret: bytes) -> None:
        """Take the content of the secret file."""
        self._secrets = tuple(line for line in secret.splitlines() if line.strip())

    def path(self, asset_id: str, *, now: float, variant: str = "", withheld: bool = False) -> str:
        """Return the path of an asset's content, good for an hour; what is withheld needs a signature that says so."""
        expires = str(int(now) + LIFETIME_S)
        signed = WITHHELD + variant if withheld else variant
        query = f"exp={expires}&sig={self._sign(self._secrets[0], asset_id, expires, signed)}"
        if variant:
            query += f"&thumbnail={variant}"
        return f"/v1/assets/{asset_id}/content?{query}"

    def check(
        self, asset_id: str, expires: str, signature: str, variant: str, *, now: float, withheld: bool = False
    ) -> None:
        """Raise `auth.unauthenticated` unless the signature is ours and its time is not over."""
        variant = WITHHELD + variant if withheld else variant
        known = [self._sign(secret, asset_id, expires, variant) for secret in self._secrets]
        # As bytes: texts are compared only while they are ASCII.
        if not any(hmac.compare_digest(each.encode(), signature.encode(errors="replace")) for each in known):
            raise CatalogError("auth.unauthenticated", "The signature of this URL is not valid.", reason="signature")
        if not expires.isdecimal() or int(expires) < now:
            raise CatalogError("auth.unauthenticated", "This URL is no longer valid.", reason="expired")

    def fingerprint(self, text: str) -> str:
        """Return a keyed hash of a native message: equal messages can be told equal, and nothing else."""
        return hmac.new(self._secrets[0], b"message\n" + text.encode(), hashlib.sha256).hexdigest()[:16]

    @staticmethod
    def _sign(secret: bytes, asset_id: str, expires: str, variant: str) -> str:
        message = f"asset\n{asset_id}\n{expires}\n{variant}".encode()
        return hmac.new(secret, message, hashlib.sha256).hexdigest()
