"""The last touches: a manner such as watercolour or neon, a darker rim, fine grain, and the sandbox mark."""

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageStat

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.colour import hexes
from adapters.kit.motif.noise import enlarged, fbm, mask_of
from adapters.kit.motif.tint import curved, graded

MARK = "sandbox"
#: Smaller pictures carry no mark: it would be all one sees.
MARK_SIDE = 96

_MARK_STRENGTH = 96
_DARK_INK, _WHITE_INK = (20, 20, 28), (255, 255, 255)

_SEPIA = hexes("#1f1610 #5a4030 #a9805a #dcc29a #f7ecd6")
_GREYS = hexes("#0d0d0f #3a3a3e #7c7c80 #bdbdbe #f7f6f4")
_NEON = hexes("#07041a #2a0f5e #8f1f9e #ff3f9a #57e6f2 #f4fdff")
_RIM = 0.16


def styled(image: Image.Image, brief: Brief, rng: np.random.Generator) -> Image.Image:
    """Return the picture in the manner the brief names, its rim a little darker."""
    styles = brief.styles
    if "neon" in styles:
        image = graded(image, _NEON, 0.5)
        bloom = (
            image.reduce(4)
            .filter(ImageFilter.GaussianBlur(min(image.size) * 0.006))
            .resize(image.size, Image.Resampling.BICUBIC)
        )
        image = ImageChops.screen(image, curved(bloom, -40, 120))
    if "minimal" in styles:
        image = curved(Image.blend(image, image.convert("L").convert("RGB"), 0.2), 26, 250)
    if "pastel" in styles:
        image = curved(Image.blend(image, image.convert("L").convert("RGB"), 0.15), 78, 255)
    if "vintage" in styles:
        image = curved(graded(image, _SEPIA, 0.62), 16, 244)
    if "mono" in styles:
        image = curved(graded(image, _GREYS, 1.0), 0, 255, 0.35)
    if "watercolor" in styles:
        return _watercolour(image, rng)
    return _rimmed(image, 0.3 if "vintage" in styles else _RIM)


def grained(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture under fine grain, which also keeps gradients from showing bands."""
    dust = Image.fromarray(rng.integers(0, 256, (image.height, image.width), dtype=np.uint8))
    grey = dust.point([(value & 3) + (value >> 2 & 3) + 125 for value in range(256)])
    return ImageChops.add(image, Image.merge("RGB", (grey, grey, grey)), 1, -128)


def marked(image: Image.Image) -> Image.Image:
    """Return the picture with a faint word in its lower right corner, unless it is too small for one."""
    side = min(image.size)
    if side < MARK_SIDE:
        return image
    font = ImageFont.load_default(max(9.0, side * 0.018))
    left, top, right, bottom = font.getbbox(MARK)
    pad = max(4, round(side * 0.018))
    stencil = Image.new("L", (round(right - left) + 1, round(bottom - top) + 1))
    ImageDraw.Draw(stencil).text((-left, -top), MARK, fill=_MARK_STRENGTH, font=font)
    at = (image.width - stencil.width - pad, image.height - stencil.height - pad)
    under = image.crop((*at, image.width - pad, image.height - pad)).convert("L")
    done = image.copy()
    done.paste(_DARK_INK if ImageStat.Stat(under).mean[0] > 132 else _WHITE_INK, at, stencil)
    return done


def _rimmed(image: Image.Image, strength: float) -> Image.Image:
    line = np.linspace(-1, 1, 48, dtype=np.float32)
    away = line[None, :] * line[None, :] + line[:, None] * line[:, None]
    keep = 1 - np.clip(away - np.float32(0.55), 0, 1.45) * np.float32(strength / 1.45)
    rim = mask_of(keep, image.size)
    return ImageChops.multiply(image, Image.merge("RGB", (rim, rim, rim)))


def _watercolour(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Let edges wander, pigment pool unevenly, and white paper show at the rim."""
    width, height = image.size
    unit = min(width, height)
    soft = curved(image.filter(ImageFilter.BoxBlur(unit * 0.0025)), 34, 255)
    grid = (max(8, 220 * width // max(width, height)), max(8, 220 * height // max(width, height)))
    wander = [enlarged(fbm(rng, *grid, cells=34, octaves=2) - np.float32(0.5), width, height) for _ in range(2)]
    reach = np.float32(unit * 0.016)
    rows = np.clip(np.arange(height, dtype=np.float32)[:, None] + wander[0] * reach, 0, height - 1).astype(np.int64)
    columns = np.clip(np.arange(width, dtype=np.float32)[None, :] + wander[1] * reach, 0, width - 1).astype(np.int64)
    # Four bytes a pixel move as one number, three times as fast.
    packed = np.asarray(soft.convert("RGBX")).view(np.uint32)[:, :, 0]
    bent = packed[rows, columns].view(np.uint8).reshape(height, width, 4)
    moved = Image.frombuffer("RGBX", image.size, bent.tobytes(), "raw", "RGBX", 0, 1).convert("RGB")
    # Pigment gathers where a wash dries: a little darker along every edge.
    blurred = (
        moved.reduce(2).filter(ImageFilter.GaussianBlur(unit * 0.004)).resize(image.size, Image.Resampling.BICUBIC)
    )
    edges = ImageChops.difference(moved, blurred).convert("L").point([min(255, value * 3) for value in range(256)])
    moved.paste(curved(moved, 0, 190), (0, 0), edges)
    pooled = fbm(rng, *grid, cells=7, octaves=4)
    tooth = fbm(rng, *grid, cells=grid[0] / 1.6, octaves=1)
    paper = mask_of(np.float32(0.80) + pooled * np.float32(0.13) + tooth * np.float32(0.08), image.size)
    moved = ImageChops.multiply(moved, Image.merge("RGB", (paper, paper, paper)))
    across = 1 - np.abs(np.linspace(-1, 1, grid[0], dtype=np.float32))[None, :]
    down = 1 - np.abs(np.linspace(-1, 1, grid[1], dtype=np.float32))[:, None]
    inner = np.minimum(across * np.float32(width / unit), down * np.float32(height / unit))
    ragged = np.clip((inner - np.float32(0.05) + (pooled - np.float32(0.55)) * np.float32(0.10)) * 22, 0, 1)
    sheet = Image.new("RGB", image.size, (250, 247, 240))
    sheet.paste(moved, (0, 0), mask_of(ragged, image.size))
    return sheet
