"""Sizes, formats and the pictures a caller sends in."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Format = Literal["png", "jpeg", "webp", "avif"]
#: What a stored asset can be: type by content, never by name or header.
MediaType = Literal["image/png", "image/jpeg", "image/webp", "image/avif", "video/mp4"]

MEDIA_TYPES: dict[str, MediaType] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "mp4": "video/mp4",
}
FORMATS: dict[str, str] = {media_type: name for name, media_type in MEDIA_TYPES.items()}

#: An aspect ratio counts as kept within this relative error (backends round to whole blocks of pixels).
ASPECT_TOLERANCE = 0.02

Pixels = Annotated[int, Meta(ge=1, le=16384, description="pixels")]


class Dimensions(Struct, frozen=True, order=True):
    """A size in pixels, as a backend makes it."""

    width: int
    height: int

    def __str__(self) -> str:
        """Return `WxH`, the way sizes are written everywhere."""
        return f"{self.width}x{self.height}"

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.width * self.height


class Size(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A wished size: exact pixels, or a shape with an area that the backend's nearest size may meet."""

    width: Pixels | UnsetType = UNSET
    height: Pixels | UnsetType = UNSET
    aspect_ratio: (
        Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,3}:[1-9][0-9]{0,3}$", description="such as 16:9")] | UnsetType
    ) = UNSET
    megapixels: Annotated[float, Meta(gt=0, le=64, description="millions of pixels")] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse anything but one whole way of saying a size."""
        exact = self.width is not UNSET and self.height is not UNSET
        shaped = self.aspect_ratio is not UNSET
        some_exact = self.width is not UNSET or self.height is not UNSET
        if exact == shaped or (some_exact and not exact) or (exact and self.megapixels is not UNSET):
            msg = "give either width and height, or aspect_ratio (with megapixels if the area matters)"
            raise ValueError(msg)

    @property
    def exact(self) -> Dimensions | None:
        """The size in pixels, if the caller named one."""
        if isinstance(self.width, int) and isinstance(self.height, int):
            return Dimensions(self.width, self.height)
        return None

    @property
    def aspect(self) -> float:
        """Width over height."""
        if isinstance(self.aspect_ratio, str):
            across, _, up = self.aspect_ratio.partition(":")
            return int(across) / int(up)
        exact = self.exact
        return exact.aspect if exact else 1.0


InputRole = Literal["source", "reference", "mask", "first_frame", "watermark"]


class Input(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A picture that comes in: an asset of the team, base64 data (or a data: URL), or a URL to fetch."""

    role: InputRole
    asset_id: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    data: Annotated[str, Meta(description="base64, or a data: URL")] | UnsetType = UNSET
    url: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    media_type: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | UnsetType = UNSET
    bytes: Annotated[int, Meta(ge=0)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse an input that is not exactly one picture."""
        if sum(part is not UNSET for part in (self.asset_id, self.data, self.url)) != 1:
            msg = "give exactly one of asset_id, data and url"
            raise ValueError(msg)
