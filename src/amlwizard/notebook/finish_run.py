# Databricks notebook source
# Look for the model
import yaml

in_run()
if mlflow.get_tracking_uri() != uri:
    raise RuntimeError(f"{own} has changed MLflow's tracking server to {mlflow.get_tracking_uri()}")
artifacts = get_artifact_repository(run.info.artifact_uri)
top = patiently(lambda: artifacts.list_artifacts(None))


def holds_model(folder):
    inner = patiently(lambda: artifacts.list_artifacts(folder))
    return any(file.path == f"{folder}/MLmodel" for file in inner)


models = [file.path for file in top if file.is_dir and holds_model(file.path)]
if not models:
    logged = ", ".join(file.path for file in top) or "nothing"
    raise RuntimeError(
        f"{own} has logged no model: run {run_id} holds {logged}. Log one with "
        "mlflow.<flavor>.log_model(model, 'model')"
    )
if len(models) > 1 and "model" not in models:
    raise RuntimeError(
        f"{own} has logged {len(models)} models: {', '.join(models)}. Call the one to serve 'model'"
    )
path = "model" if "model" in models else models[0]
# All of it, also what is there from before.
folder = Path(patiently(lambda: artifacts.download_artifacts(path)))
about = yaml.safe_load((folder / "MLmodel").read_text())
signature = {
    part: json.loads(text) if isinstance(text, str) else text
    for part, text in (about.get("signature") or {}).items()
    if text
}
info = about.get("saved_input_example_info")
example = None
if info:
    example, file = {"type": info["type"], "value": None}, folder / info["artifact_path"]
    if file.exists() and file.stat().st_size <= 20_000:
        example["value"] = json.loads(file.read_text())
print(f"{path}, of {', '.join(flavor for flavor in about['flavors'])}")

# COMMAND ----------

# Collect what was logged
in_run()
logged = patiently(lambda: client.get_run(run_id)).data
result = {
    "run_id": run_id,
    "experiment_id": experiment_id,
    "metrics": {name: value for name, value in logged.metrics.items() if value == value},
    "params": dict(logged.params),
    "model": {
        "path": path,
        "flavors": [*about["flavors"]],
        "signature": signature or None,
        "example": example,
    },
}
room = parameters["largest_picture"]


def content_of(name):
    return Path(patiently(lambda: artifacts.download_artifacts(name))).read_bytes()


if any(file.path == "actual-vs-predicted.json" for file in top):
    points = json.loads(content_of("actual-vs-predicted.json"))
    for side in ("actual", "predicted"):
        result[side] = [round(float(value), 3) for value in points[side]]
for file in top:
    if file.path.endswith(".png"):
        picture = content_of(file.path)
        # Outside the VNET an artifact cannot be read, so pictures come back with the cell's output, of
        # which Databricks gives back 50,000 characters before runtime 17.
        if len(picture) > room:
            print(f"{file.path} is in the run: its {len(picture):,} bytes are too many to be shown")
            continue
        room -= len(picture)
        print(f"amlwizard-file:{file.path} {len(picture)} {base64.b64encode(picture).decode()}")
for name, value in result["metrics"].items():
    print(f"{name} {value:.6g}")

# COMMAND ----------

# Close the run
in_run()
Path(folder.parent / "result").mkdir(exist_ok=True)
(folder.parent / "result" / "result.json").write_text(json.dumps(result))
patiently(
    lambda: mlflow.log_artifact(str(folder.parent / "result" / "result.json"), "amlwizard"),
    done="already exists",
)
patiently(lambda: client.set_terminated(run_id))
mlflow.end_run()
print(f"run {run_id} has finished")
print("amlwizard:" + json.dumps(result))
