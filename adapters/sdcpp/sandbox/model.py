"""The models that this Studio is configured with, and how its lists show them (wire §7.4, §7.6).

Two local ones with a server process each, and two behind an external API; `GET /api/models` shows the key of those in
clear, as the real one does, so the key is a canary.
"""

from typing import Any, Literal

from msgspec import Struct

CANARY_KEY = "sk-canary-upstream-key-must-never-leave"
UPSTREAM = "http://127.0.0.1:1234/v1"
FLAGS = {
    "offload_to_cpu": True,
    "clip_on_cpu": True,
    "vae_on_cpu": True,
    "vae_tiling": False,
    "diffusion_fa": True,
}
FILES = {"hasHuggingFace": False, "allFilesExist": True, "files": [], "source": None}
PARAMETERS = ["cfg_scale", "sample_steps", "sampling_method", "width", "height", "seed"]
AUTOSTOP_MS = 600_000


class Model(Struct, frozen=True, kw_only=True):
    """One entry of the configuration: what its process takes to load and to stop, and the steps in its arguments."""

    id: str
    name: str
    description: str
    exec_mode: Literal["server", "api"]
    capabilities: tuple[str, ...]
    model_type: str = "text-to-image"
    load_s: float = 0.0
    stop_s: float = 0.0
    steps: int | None = None
    generation_params: dict[str, Any] | None = None

    def config(self) -> dict[str, Any]:
        """Return the configuration as the lists show it, key included."""
        if self.exec_mode == "api":
            where = {"api": UPSTREAM, "api_key": CANARY_KEY}
        else:
            where = {"command": "/srv/app/sdcpp/bin/sd-server"}
        params = {"generation_params": self.generation_params} if self.generation_params else {}
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "capabilities": list(self.capabilities),
            **where,
            "mode": "on_demand",
            "model_type": self.model_type,
            **params,
            "supports_negative_prompt": True,
            "autostopMs": AUTOSTOP_MS,
        }

    def summary(self) -> dict[str, Any]:
        """Return what stands behind the configuration everywhere."""
        return {"execMode": self.exec_mode, "defaultSteps": (self.generation_params or {}).get("sample_steps")}

    def architecture(self) -> dict[str, Any]:
        """Return the modalities as the OpenAI-style list derives them, `+image` and all."""
        takes = ["text"] if "text-to-image" in self.capabilities else []
        takes += ["image"] if {"image-to-image", "imgedit"} & set(self.capabilities) else []
        return {
            "modality": f"{'+'.join(takes)}+image->image",
            "input_modalities": takes,
            "output_modalities": ["image"],
        }


MODELS = {
    model.id: model
    for model in (
        Model(
            id="z-image-turbo",
            name="Z-Image Turbo",
            description="Fast local text-to-image model",
            exec_mode="server",
            capabilities=("text-to-image",),
            load_s=1.5,
            stop_s=0.5,
            steps=9,
        ),
        Model(
            id="qwen-image",
            name="Qwen Image",
            description="Text-to-image and editing behind an external API",
            exec_mode="api",
            capabilities=("text-to-image", "image-to-image"),
        ),
        Model(
            id="qwen-image-edit",
            name="Qwen Image Edit",
            description="Editing behind an external API",
            exec_mode="api",
            capabilities=("imgedit",),
            model_type="imgedit",
            generation_params={"cfg_scale": 2.5, "sample_steps": 4, "sampling_method": "euler"},
        ),
        Model(
            id="flux-dev",
            name="FLUX.1 dev",
            description="Large local text-to-image model, slow to load and to stop",
            exec_mode="server",
            capabilities=("text-to-image",),
            load_s=20.0,
            stop_s=4.0,
            steps=20,
        ),
    )
}
DEFAULT = "z-image-turbo"
DEFAULTS = {"text_to_image": "z-image-turbo", "image_to_image": "qwen-image-edit"}


def default_for(kind: str) -> str:
    """Return the default model of a job's type."""
    return DEFAULTS.get({"generate": "text_to_image"}.get(kind, "image_to_image"), DEFAULT)


def available() -> str:
    """Return the ids as an error names them."""
    return ", ".join(MODELS)


def find(name: object) -> Model | None:
    """Find a model by id or, whatever its case, by name (wire §7.8)."""
    wanted = str(name).lower()
    return next((model for model in MODELS.values() if wanted in (model.id.lower(), model.name.lower())), None)
