import mlflow
import numpy as np
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

x = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = float(parameters.get("scale", 1)) * np.array([1.0, 2.0, 3.0])
model = LinearRegression().fit(x, y)
mlflow.log_metric("largest", float(y.max()))
mlflow.sklearn.log_model(
    model,
    "model",
    signature=infer_signature(x, model.predict(x)),
    pip_requirements=["mlflow", "scikit-learn", "numpy", "cloudpickle"],
)
