"""The code and the environment of a deployment that has a scoring script of its own.

The workspace's storage account is closed to the outside, so the script is uploaded by the cluster in
the VNET. The environment is the model's own, on a public base image, unless the recipe has another. Versions are hashes of the
content: equal content is neither uploaded nor created again.
"""

from __future__ import annotations

import hashlib
import json

import yaml

from amlwizard import serving
from amlwizard.cloud_port import ReportProgress
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.errors import InvalidInputError, StepError
from amlwizard.json_path import value_at
from amlwizard.json_types import Document, JsonObject, MutableDocument
from amlwizard.language import _
from amlwizard.notebook.access import scope_of
from amlwizard.notebook.lending import lending
from amlwizard.plan import Context, Found, Resource, Step
from amlwizard.plan.outputs import FITNESS, SCORING_FILES, TRAIN, ScoringFiles
from amlwizard.recipe import Recipe, RecipeFile
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.cluster import databricks_of
from amlwizard.steps.training import fingerprint, run_tracked

# The image of Microsoft's documentation for MLflow models with a scoring script; the conda file
# brings Python, the model's packages and the inference server.
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
FOLDER = "src"


def has_script(recipe: Recipe) -> bool:
    """Whether the deployment has a scoring script of its own."""
    return recipe.serving.brings_script


def script_of(recipe: Recipe) -> tuple[str, str]:
    """Name and text of the deployment's scoring script: the recipe's, else ours.

    Raises InvalidInputError if its file cannot be read.
    """
    own = recipe.serving.script
    return (
        (own.path.name, text_of("serving.script", own))
        if own
        else (serving.SCRIPT, serving.source())
    )


def conda_of(recipe: Recipe) -> str:
    """The text of the recipe's conda file; empty if it has none. Raises as `script_of`."""
    conda = recipe.serving.conda
    return text_of("serving.environment", conda) if conda else ""


def text_of(field: str, file: RecipeFile) -> str:
    try:
        return file.path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            _("{field}: {file} cannot be read.", field=field, file=file),
            why=str(error),
            fix=_("Put it beside the recipe, or name it from there."),
        ) from None


def scoring_script(recipe: Recipe) -> list[Step]:
    """The steps that upload the script and create the code and the environment; none for a no-code
    deployment."""
    if not has_script(recipe):
        return []
    assets, n = _Assets(recipe), recipe.names
    name, version = assets.environment.split("/versions/")
    return [
        Step(
            SCORING_FILES.id, _("Scoring files"), "deploy", ("register",), assets.read, assets.upload,
            runs=True, audiences=("ml",),
        ),
        arm_step(
            "scoring-code",
            _("Scoring code"),
            Resource(
                assets.code,
                api_versions.MACHINE_LEARNING,
                {"properties": {"codeUri": f"{{{SCORING_FILES.id}.code_uri}}"}},
            ),
            after=(SCORING_FILES.id,),
            phase="deploy",
            removal=None,
        ),
        arm_step(
            "scoring-environment",
            _("Scoring environment"),
            Resource(
                assets.environment,
                api_versions.MACHINE_LEARNING,
                {"properties": assets.contents},
            ),
            after=(SCORING_FILES.id,),
            phase="deploy",
            az=(
                f"az ml environment create -g {n.resource_group} -w {n.workspace} "
                f"-n {name.rpartition('/')[2]} -v {version} --image {assets.image}"
                + ("" if recipe.serving.image else " --conda-file conda.yaml"),
            ),
            removal=None,
            suited=_same_conda,
        ),
    ]  # fmt: skip


def _same_conda(new: MutableDocument, found: Document) -> MutableDocument:
    """The existing conda file, if it means the same: Azure may write it in its own form."""
    wanted, held = (value_at(document, "properties.condaFile") for document in (new, found))
    if not wanted or not held or yaml.safe_load(wanted) != yaml.safe_load(held):
        return new
    return {**new, "properties": {**new["properties"], "condaFile": held}}


class _Assets:
    """The code and the environment of a recipe: their ids, and the files behind them."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, ids = recipe, Ids(recipe)
        self.script, self.text = script_of(recipe)
        self.conda, self.image = conda_of(recipe), recipe.serving.image or IMAGE
        models = [fingerprint(recipe), recipe.training.spark_version]
        own = [self.conda] if self.conda or recipe.serving.image else models
        version = hashlib.sha256(json.dumps([self.image, *own]).encode()).hexdigest()[:16]
        named = self.text if self.script == serving.SCRIPT else f"{self.script}\n{self.text}"
        self.code = ids.scoring_asset("codes", serving.version(named))
        self.environment = ids.scoring_asset("environments", version)

    @property
    def contents(self) -> Document:
        """The properties of the environment: an image alone, or one and what conda installs on it."""
        conda = {} if self.recipe.serving.image else {"condaFile": f"{{{SCORING_FILES.id}.conda}}"}
        return {"image": self.image, **conda}

    def read(self, ctx: Context) -> Found | None:
        """Ready if both exist, with what they were created from."""
        code, environment = (
            ctx.cloud.arm.get(ctx.resolve(asset), api_versions.MACHINE_LEARNING)
            for asset in (self.code, self.environment)
        )
        uri = value_at(code, "properties.codeUri")
        conda = value_at(environment, "properties.condaFile") or ""
        there = uri and environment and (conda or self.recipe.serving.image)
        return Found("ready", ScoringFiles(uri, conda).to_json()) if there else None

    def upload(self, ctx: Context, say: ReportProgress) -> Document:
        uri, signed = self._reserved(ctx)
        client, scope = databricks_of(ctx), scope_of(self.recipe)
        with lending(client.secrets, scope, "code-upload") as lent:
            lent.put(signed)
            parameters: JsonObject = {
                "upload_scope": scope,
                "upload_key": lent.key,
                "files": {f"{FOLDER}/{self.script}": self.text},
                "run_id": ctx.outputs[TRAIN].run_id,
                "path": ctx.outputs[FITNESS].path,
            }
            found = run_tracked(ctx, self.recipe, "upload", parameters, say)
        conda = "" if self.recipe.serving.image else self.conda or found["conda"]
        return ScoringFiles(f"{uri}/{FOLDER}", conda).to_json()

    def _reserved(self, ctx: Context) -> tuple[str, str]:
        """The URL of a new container for the files, without and with a signature."""
        path = f"{ctx.resolve(self.code)}/startPendingUpload"
        body = {"pendingUploadType": "TemporaryBlobReference"}
        answer = ctx.cloud.arm.post(path, api_versions.MACHINE_LEARNING, body)
        blob = answer.get("blobReferenceForConsumption") or {}
        signed = value_at(blob, "credential.sasUri")
        if not signed:
            raise StepError(
                _("The workspace gives no signed address (SAS) to upload the scoring script to."),
                why=_(
                    "Azure signs with a shared key, and the storage account may not allow those."
                ),
                fix=_("Set security.shared_keys to true, or serving.scoring to no-code."),
            )
        return str(blob["blobUri"]), str(signed)
