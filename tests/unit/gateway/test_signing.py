"""A signed URL is good for its asset, its variant and its hour, and for nothing else."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.catalog import CatalogError
from gateway.access.signing import LIFETIME_S, Signer

NOW = 1_700_000_000.9
SIGNER = Signer(b"first secret\nsecond secret\n")


def signed(signer: Signer = SIGNER, asset: str = "ast_1", variant: str = "") -> tuple[str, str]:
    """Return expiry and signature of a URL."""
    query = parse_qs(urlsplit(signer.path(asset, now=NOW, variant=variant)).query)
    return query["exp"][0], query["sig"][0]


def refusal(asset: str, expires: str, signature: str, variant: str = "", *, now: float = NOW) -> str | None:
    """Return why a URL is refused; None when it is good."""
    try:
        SIGNER.check(asset, expires, signature, variant, now=now)
    except CatalogError as error:
        return f"{error.code} {error.facts['reason']}"
    return None


@pytest.mark.parametrize("variant", ["", "256"])
def test_a_url_is_good_for_an_hour(variant: str) -> None:
    """To the second: good until its time is over, and not after."""
    expires, signature = signed(variant=variant)
    assert int(expires) == int(NOW) + LIFETIME_S
    for now in (NOW, float(expires)):
        assert refusal("ast_1", expires, signature, variant, now=now) is None
    assert refusal("ast_1", expires, signature, variant, now=float(expires) + 0.001) == "auth.unauthenticated expired"


def test_a_url_names_what_it_is_for() -> None:
    """The path of the content, with the variant that was signed in the query."""
    parts = urlsplit(SIGNER.path("ast_1", now=NOW, variant="256"))
    assert parts.path == "/v1/assets/ast_1/content"
    assert parse_qs(parts.query).keys() == {"exp", "sig", "thumbnail"}
    assert parse_qs(urlsplit(SIGNER.path("ast_1", now=NOW)).query).keys() == {"exp", "sig"}


def test_a_signature_is_good_for_nothing_else() -> None:
    """Another asset, a later expiry, another variant, or parts shifted between them: all refused alike."""
    expires, signature = signed(variant="256")
    later = str(int(expires) + 1)
    for asset, said, variant in (
        ("ast_2", expires, "256"),
        ("ast_1", later, "256"),
        ("ast_1", expires, "512"),
        ("ast_1", expires, ""),
        ("ast_1", f" {expires}", "256"),
        (f"ast_1\n{expires}", "", "256"),
        ("ast_1", f"{expires}\n256", ""),
    ):
        assert refusal(asset, said, signature, variant) == "auth.unauthenticated signature"


@settings(max_examples=150, deadline=None)
@given(
    asset=st.text(max_size=8),
    expires=st.text(max_size=12) | st.just("99999999999"),
    signature=st.text(max_size=70) | st.just("é") | st.just("\ud800"),
    variant=st.text(max_size=4),
)
def test_no_guess_is_good_and_none_breaks_it(asset: str, expires: str, signature: str, variant: str) -> None:
    """Whatever stands in a URL, letters beyond ASCII too: it is refused as unsigned, and nothing else happens."""
    if asset.isascii() and expires.isascii() and variant.isascii():
        assert refusal(asset, expires, signature, variant) == "auth.unauthenticated signature"


def test_both_secrets_are_good_while_one_replaces_the_other() -> None:
    """The first line signs, every line is accepted, and a secret that was taken out is good no more."""
    expires, by_second = signed(Signer(b"second secret"))
    assert refusal("ast_1", expires, by_second) is None
    assert signed(SIGNER) == signed(Signer(b"first secret"))
    assert signed(SIGNER) != signed(Signer(b"second secret"))
    _, by_other = signed(Signer(b"third secret"))
    assert refusal("ast_1", expires, by_other) == "auth.unauthenticated signature"


def test_an_empty_line_of_the_secret_is_no_secret() -> None:
    """A file that ends with new lines does not let everybody sign with nothing."""
    expires, _ = signed()
    nothing = Signer._sign(b"", "ast_1", expires, "")
    with pytest.raises(CatalogError):
        Signer(b"a\n\n  \n").check("ast_1", expires, nothing, "", now=NOW)


def test_a_fingerprint_tells_equal_messages_and_nothing_else() -> None:
    """The same message has the same one, another or another secret does not, and it can sign nothing."""
    assert SIGNER.fingerprint("secret shiba") == SIGNER.fingerprint("secret shiba")
    assert SIGNER.fingerprint("secret shiba") != SIGNER.fingerprint("secret tabby")
    assert SIGNER.fingerprint("secret shiba") != Signer(b"other").fingerprint("secret shiba")
    assert len(SIGNER.fingerprint("柴犬")) == 16
    assert SIGNER.fingerprint("ast_1\n1\n") != SIGNER._sign(b"first secret", "ast_1", "1", "")[:16]
