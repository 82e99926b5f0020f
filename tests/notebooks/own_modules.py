import importlib
import sys
import tempfile
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature

folder = Path(tempfile.mkdtemp())
(folder / "doubling.py").write_text(
    "def doubled(values):\n    return [2 * value for value in values]\n"
)
sys.path.insert(0, str(folder))
importlib.invalidate_caches()


class Doubles(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        import doubling

        return doubling.doubled(model_input["value"])


rows = pd.DataFrame({"value": [1.5, 2.0]})
mlflow.log_metric("rows", len(rows))
mlflow.pyfunc.log_model(
    "model",
    python_model=Doubles(),
    code_paths=[str(folder / "doubling.py")],
    signature=infer_signature(rows, [3.0, 4.0]),
    pip_requirements=["mlflow", "pandas", "cloudpickle"],
)
