import mlflow
import numpy as np
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

x = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = np.array([1.0, 2.0, 3.0])
for intercept in (True, False):
    with mlflow.start_run(run_name=f"intercept {intercept}", nested=True) as tried:
        mlflow.log_metric("r2", LinearRegression(fit_intercept=intercept).fit(x, y).score(x, y) - 1)
    assert tried.info.run_id != mlflow.active_run().info.run_id, "the open run goes on"
model = LinearRegression().fit(x, y)
mlflow.log_metric("r2", model.score(x, y))
mlflow.sklearn.log_model(
    model,
    "model",
    signature=infer_signature(x, model.predict(x)),
    pip_requirements=["mlflow", "scikit-learn", "numpy", "cloudpickle"],
)
