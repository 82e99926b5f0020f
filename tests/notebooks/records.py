import mlflow
import pandas as pd
from mlflow.models import infer_signature
from mlflow.pyfunc import PythonModel


class Ranked(PythonModel):
    def predict(self, context, model_input, params=None):
        limit = (params or {}).get("limit", 0.5)
        return [
            {"label": "high" if value > limit else "low", "score": value}
            for value in model_input["value"]
        ]


rows = pd.DataFrame({"value": [0.1, 0.9]})
signature = infer_signature(rows, Ranked().predict(None, rows), params={"limit": 0.5})
mlflow.log_metric("rows", len(rows))
mlflow.pyfunc.log_model(
    "model",
    python_model=Ranked(),
    signature=signature,
    pip_requirements=["mlflow", "pandas", "cloudpickle"],
)
