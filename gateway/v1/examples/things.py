"""Assets, models, backends, prompts and errors as examples: real values of the contract's own types."""

from datetime import timedelta

from contracts.capability import Capability, Limits, ModelInfo, SizeRange
from contracts.desk import AccountView, Alias, Asset, AssetPage, BackendView, Model
from contracts.prompts import OptimizeAsk, PromptMade, RandomAsk
from gateway.v1.examples.jobs import ASSET_ID, BEGAN, SHA256
from gateway.v1.examples.problems import JOB_ID

ASSET = Asset(
    id=ASSET_ID,
    url=f"/v1/assets/{ASSET_ID}/content",
    media_type="image/png",
    bytes=1_310_333,
    sha256=SHA256,
    width=1024,
    height=1024,
    source="output",
    role="image",
    created_at=BEGAN,
    expires_at=BEGAN + timedelta(days=30),
    job_id=JOB_ID,
    prompt="a shiba in space",
)
UPLOADED = Asset(
    id="ast_01KA3V8TQ4K2M9R6Y3W8D5F7HK",
    url="/v1/assets/ast_01KA3V8TQ4K2M9R6Y3W8D5F7HK/content",
    media_type="image/png",
    bytes=18_204,
    sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    width=512,
    height=512,
    source="upload",
    role="image",
    created_at=BEGAN,
    expires_at=BEGAN + timedelta(days=30),
)
ASSETS = AssetPage(assets=(ASSET,))

_CAPABILITY = Capability(
    size_range=SizeRange(min_side=64, max_side=2048, step=64),
    formats=("png",),
    max_n=10,
    seed_max=2**31 - 1,
    negative_prompt=True,
    previews=True,
    progress=True,
    cancel="forgets",
    recover=True,
    limits=Limits(prompt_chars=10_000),
    evidence="measured",
)
MODEL = Model(
    id="studio/z-image-turbo",
    backend="studio",
    dialect="sdcpp",
    operations=("image.generate",),
    accounts=("default",),
    capabilities=(
        ModelInfo(
            id="z-image-turbo", operations={"image.generate": _CAPABILITY}, account="default", label="Z-Image Turbo"
        ),
    ),
    label="Z-Image Turbo",
    default=True,
    discovered_at=BEGAN,
)
ALIAS = Alias(id="house-style", models=("studio/z-image-turbo", "imgen/eros"))
BACKEND = BackendView(
    name="studio",
    dialect="sdcpp",
    up=True,
    sandbox=False,
    trust="local",
    priority=10,
    max_concurrency=4,
    in_flight=1,
    queued=0,
    models=("z-image-turbo",),
    accounts=(AccountView(name="default", ready=True, circuit="closed", in_flight=1),),
    profile="head",
    evidence="discovered",
    version="1.4.0",
    discovered_at=BEGAN,
)

OPTIMIZE = OptimizeAsk(prompt="a shiba in space")
RANDOM = RandomAsk(model="imgen/eros", character="aya")
OPTIMIZED = PromptMade(
    prompt="a shiba inu astronaut floating among stars, cinematic light", backend="imgen", dialect="imgen", changed=True
)
MADE_UP = PromptMade(
    prompt="aya reading under a paper lantern, soft rain",
    backend="imgen",
    dialect="imgen",
    changed=True,
    character="aya",
)
