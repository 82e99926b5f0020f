# Databricks notebook source
# Complete the model's environment
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow
import yaml
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

let_in()
run = into_run(parameters["run_id"])
artifacts = get_artifact_repository(run.info.artifact_uri)
work = Path(tempfile.mkdtemp())
logged = Path(patiently(lambda: artifacts.download_artifacts(parameters["path"])))
model = Path(shutil.copytree(logged, work / "models" / "model"))
about = yaml.safe_load((model / "MLmodel").read_text())
lines = (model / "requirements.txt").read_text() if (model / "requirements.txt").exists() else ""
known = {"dependencies": ["pip", {"pip": [line for line in lines.splitlines() if line.strip()]}]}
conda = (model / "conda.yaml").read_text() if (model / "conda.yaml").exists() else ""
own = yaml.safe_load(parameters["conda"]) if parameters["conda"] else None
environment = (
    own or yaml.safe_load(conda) or {"name": "mlflow-env", "channels": ["conda-forge"], **known}
)


def name_of(line):
    return re.split(r"[^A-Za-z0-9._-]", line.strip())[0].lower().replace("_", "-").replace(".", "-")


def unpatched(package):
    """conda may not have the patch version of Python that the model was trained with."""
    return (
        re.sub(r"^(python==?\d+\.\d+)\.\d+$", r"\1", package)
        if isinstance(package, str)
        else package
    )


packages = [unpatched(package) for package in environment["dependencies"]]
changed = [
    f"{old} is {new}"
    for old, new in zip(environment["dependencies"], packages, strict=True)
    if old != new
]
minor = ".".join(
    about["flavors"].get("python_function", {}).get("python_version", "").split(".")[:2]
)
if minor and not any(isinstance(p, str) and name_of(p) == "python" for p in packages):
    packages.insert(0, f"python={minor}")
    changed.append(f"python={minor} is added")
pip = next((package["pip"] for package in packages if isinstance(package, dict)), None)
if pip is None:
    pip = []
    packages += ["pip", {"pip": pip}]
held = {name_of(line) for line in pip}
# A conda file of the recipe is complete, or not for us to complete.
full = f"mlflow=={about.get('mlflow_version') or mlflow.__version__}"
for line in () if own else (full, *parameters["needed"]):
    if name_of(line) not in held:
        pip.append(line)
        changed.append(f"{line} is added")
if own:
    changed = []
if changed:
    completed = yaml.safe_dump({**environment, "dependencies": packages}, sort_keys=False)
    (model / "conda.yaml").write_text(completed)
    (model / "requirements.txt").write_text("\n".join(pip) + "\n")
for change in changed:
    print(change)
others = [p for p in packages if isinstance(p, str) and name_of(p) not in ("python", "pip")]
facts = {"flavors": [*about["flavors"]], "conda": others, "changed": changed}


def unfit(stage, log, **more):
    """The result of a model that will not be served; what follows does not run."""
    print(log[-2000:])
    found = {"stage": stage, "log": log[-8000:], **facts, **more}
    print("amlwizard:" + json.dumps({"notebook_result": {"unfit": found}}))


if "python_function" not in about["flavors"]:
    unfit("look", "no python_function flavor")
elif "spark" in about["flavors"] and not any(name_of(p) == "openjdk" for p in others):
    unfit("look", "a Spark model without Java")

# COMMAND ----------

# Build a separate environment for the model
# Only what the container has, too: no index and no credentials that the cluster alone knows.
outside = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PIP_", "MLFLOW_", "AZURE", "DATABRICKS_"))
}
python = work / "environment" / "bin" / "python"


def ran(*command, **more):
    return subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=work,
        env={
            **outside,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            **more,
        },
    )


(work / "requirements.txt").write_text("\n".join(pip) + "\n")
for command in (
    (sys.executable, "-m", "venv", "--without-pip", work / "environment"),
    (
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-input",
        "-r",
        work / "requirements.txt",
    ),
):
    made = ran(*command)
    if made.returncode:
        unfit("install", made.stdout)
        break
else:
    print(f"{len(pip)} requirements installed")

# COMMAND ----------

# Start the server and ask the model
(work / "app").mkdir()
for name, text in parameters["files"].items():
    (work / "app" / name).write_text(text)
(work / "request.json").write_text(json.dumps(parameters["request"]))
# The cluster has Java, on its PATH, too: Spark looks there only without this variable.
with_java = "openjdk" in map(name_of, others)
java_home = outside.pop("JAVA_HOME", "") if with_java else str(work / "no-java")
asked = ran(
    python,
    work / "app" / "check.py",
    work / "request.json",
    work / "answer.json",
    AML_APP_ROOT=str(work / "app"),
    AML_APP_INSIGHTS_ENABLED="false",
    AZUREML_ENTRY_SCRIPT=parameters["script"],
    AZUREML_MODEL_DIR=str(model.parent),
    MLFLOW_MODEL_FOLDER="model",
    JAVA_HOME=java_home,
)
told = json.loads((work / "answer.json").read_text()) if (work / "answer.json").exists() else {}
if "status" not in told:
    unfit("start", asked.stdout)
elif told["status"] != 200:
    unfit("answer", asked.stdout, status=told["status"], body=told["body"])
else:
    print(f"started in {told['boot_seconds']:.1f} s, answered {told['body'][:500]}")

# COMMAND ----------

# Log the completed model
let_in()
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
path = parameters["path"]
if changed:
    # The client overwrites nothing: another completion has another place.
    path = f"{path}-served-{parameters['mark'][:8]}"
    with mlflow.start_run(run_id=parameters["run_id"]):
        for file in sorted(file for file in model.rglob("*") if file.is_file()):
            place = (Path(path) / file.parent.relative_to(model)).as_posix()
            patiently(
                lambda file=file, place=place: mlflow.log_artifact(str(file), place),
                done="already exists",
            )
    print(f"the completed model is {path}")
result = {
    "path": path,
    "changed": changed,
    "unchecked": others,
    "boot_seconds": told["boot_seconds"],
    "answer": told["body"][:500],
}
print("amlwizard:" + json.dumps(result))
