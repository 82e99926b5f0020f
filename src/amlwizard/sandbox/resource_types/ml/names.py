"""Names of Machine Learning."""

NAMESPACE = "Microsoft.MachineLearningServices"
ENDPOINT = r"[A-Za-z]([A-Za-z0-9-]{1,30}[A-Za-z0-9])"
ASSET = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}"
