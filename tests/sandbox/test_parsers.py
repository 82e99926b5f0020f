"""Which requests which models take: the same by the sandbox's stand-in for Microsoft's scoring script,
by the script that a deployment of ours brings, and by Microsoft's own, which `AMLWIZARD_SCORING_SCRIPT`
names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import scripts
from support.containers import NEEDED, frame, pyfunc_model, sklearn_model, split

import amlwizard

pytestmark = pytest.mark.xdist_group("containers")

PACKAGE = Path(amlwizard.__file__).parent
SCRIPTS = {
    "no code": str(PACKAGE / "sandbox/ml/no_code.py"),
    "ours": str(PACKAGE / "serving/score.py"),
    **({"Microsoft's": path} if (path := os.environ.get("AMLWIZARD_SCORING_SCRIPT")) else {}),
}
REFUSED, ANY = object(), object()
Model = Callable[[Path], Path]


@dataclass
class Row:
    """A model, and what it answers to which `input_data`, or what ends its container. Rows of the same
    model share its container."""

    model: Model
    asked: list[tuple[Any, Any]] = field(default_factory=list)
    ends: str = ""
    params: dict[str, Any] | None = None

    def bodies(self) -> list[Any]:
        more = {} if self.params is None else {"params": self.params}
        return [{"input_data": given, **more} for given, _ in self.asked]


def signature(*inputs: Any, outputs: Any = (), params: Any = ()) -> Any:
    """Of columns ``(type, name)``; a type may be one of MLflow's nested ones."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema

    columns, answered = ([ColSpec(*column) for column in some] for some in (inputs, outputs))
    options = [ParamSpec(*option) for option in params]
    return ModelSignature(
        Schema(columns), Schema(answered) if answered else None,
        params=ParamSchema(options) if options else None,
    )  # fmt: skip


def answering(answer: Callable[[Any], Any], **options: Callable[[], Any]) -> Model:
    """A pyfunc; its options are made when it is."""
    return lambda folder: pyfunc_model(folder, answer, **{k: v() for k, v in options.items()})


def first(given: Any) -> Any:
    return given.iloc[:, 0].tolist()


def of(kind: Any, answer: Callable[[Any], Any] = first, **more: Any) -> Model:
    """A pyfunc with one column `v` of a type."""
    return answering(answer, signature=lambda: signature((kind, "v"), **more))


def ridge(folder: Path) -> Path:
    return sklearn_model(folder, frame())


def v(*values: Any) -> dict[str, Any]:
    return split(["v"], *([one] for one in values), index=list(range(len(values))))


def classifier(folder: Path, *, signed: bool = True) -> Path:
    import mlflow
    import pandas as pd
    from mlflow.models import infer_signature
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    data = pd.DataFrame({"age": [1.0, 2.0, 8.0, 9.0], "plan": ["a", "b", "a", "b"]})
    chosen = make_column_transformer((SimpleImputer(), ["age"]), (OneHotEncoder(), ["plan"]))
    fitted = make_pipeline(chosen, LogisticRegression()).fit(data, ["no", "no", "yes", "yes"])
    path = folder / "model"
    mlflow.sklearn.save_model(
        fitted, str(path), pip_requirements=NEEDED,
        signature=infer_signature(data, fitted.predict(data)) if signed else None,
    )  # fmt: skip
    return path


def times(folder: Path) -> Path:
    import mlflow

    class Times(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return (model_input["v"] * (params or {}).get("k", 0.0)).tolist()

    path = folder / "model"
    mlflow.pyfunc.save_model(
        str(path), python_model=Times(), pip_requirements=NEEDED,
        signature=signature(("double", "v"), params=[("k", "double", 2.0)]),
    )  # fmt: skip
    return path


def probabilities(folder: Path) -> Path:
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit(frame(), [0, 1, 1])
    path = folder / "model"
    mlflow.sklearn.save_model(
        fitted, str(path), pip_requirements=NEEDED, pyfunc_predict_fn="predict_proba",
        signature=infer_signature(frame(), fitted.predict_proba(frame())),
    )  # fmt: skip
    return path


def gradient_boosting(folder: Path) -> Path:
    """Takes missing values."""
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.ensemble import HistGradientBoostingRegressor

    data = frame().astype(float)
    fitted = HistGradientBoostingRegressor(max_iter=1).fit(data, [1.0, 2.0, 3.0])
    path = folder / "model"
    mlflow.sklearn.save_model(
        fitted, str(path), pip_requirements=NEEDED, signature=infer_signature(data, [1.0])
    )
    return path


def lightgbm(*, booster: bool, signed: bool = True) -> Model:
    """Of columns whose names have spaces and slashes."""

    def saved(folder: Path) -> Path:
        import lightgbm as lgb
        import mlflow
        from mlflow.models import infer_signature

        data = frame().rename(columns={"a": "a / b", "b": "c d"})
        fitted = lgb.LGBMRegressor(n_estimators=1, min_child_samples=1, n_jobs=1, verbose=-1)
        fitted.fit(data, [1.0, 2.0, 3.0])
        mlflow.lightgbm.save_model(
            fitted.booster_ if booster else fitted, str(folder / "model"), pip_requirements=NEEDED,
            signature=infer_signature(data, fitted.predict(data)) if signed else None,
        )  # fmt: skip
        return folder / "model"

    return saved


def onnx(
    *inputs: tuple[str, list[int | None]], columns: Sequence[str] | None = None, tensors: str = ""
) -> Model:
    """The sum of tensors; signed by columns, by `tensors` that are named or unnamed, or not at all."""

    def saved(folder: Path) -> Path:
        import mlflow
        import numpy as np
        from mlflow.models import ModelSignature
        from mlflow.types.schema import ColSpec, Schema, TensorSpec
        from onnx import TensorProto, helper

        given = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs]
        answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, inputs[0][1])
        node = helper.make_node("Sum", [name for name, _ in inputs], ["y"])
        made = helper.make_model(
            helper.make_graph([node], "sum", given, [answer]),
            opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
        )  # fmt: skip
        by_columns = [ColSpec("float", name) for name in columns or ()]
        by_tensors = [
            TensorSpec(np.dtype("float32"), [-1, *shape[1:]], name if tensors == "named" else None)
            for name, shape in inputs
        ]
        schema = Schema(by_columns or by_tensors)
        mlflow.onnx.save_model(
            made, str(folder / "model"), pip_requirements=NEEDED,
            signature=ModelSignature(schema) if columns or tensors else None,
        )  # fmt: skip
        return folder / "model"

    return saved


def object_of_whole_numbers() -> Any:
    from mlflow.types.schema import DataType, Object, Property

    return Object([Property("x", DataType.long)])


def without_its_module(folder: Path) -> Path:
    """A model whose own module was not saved with it."""
    return pyfunc_model(folder, lambda given: __import__("mylib").answer(given))


def tensors() -> Any:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

    return ModelSignature(Schema([TensorSpec(np.dtype("float64"), (-1, 2), "x")]))


def array_of_doubles() -> Any:
    from mlflow.types.schema import Array, DataType

    return Array(DataType.double)


def vector() -> Any:
    from mlflow.types.schema import SparkMLVector

    return SparkMLVector()


def pandas(**columns: Any) -> Any:
    import pandas as pd

    return pd.DataFrame(columns)


def typed(**columns: Any) -> Any:
    """A DataFrame whose columns have the type that is given beside their values."""
    return pandas(**{name: values for name, (values, _) in columns.items()}).astype(
        {name: kind for name, (_, kind) in columns.items()}
    )


ANSWERS: list[Callable[[Any], Any]] = [
    lambda given: [{"score": 0.5, "label": "a"}],
    lambda given: given.assign(n=1),
    lambda given: "hello",
    lambda given: {"score": [0.5], "n": 2},
    lambda given: given.to_numpy(),
    lambda given: ["a"] * len(given),
    lambda given: given["v"],
    lambda given: given["v"].rename(None),
    lambda given: given.astype({"v": "datetime64[ns]"}),
    lambda given: [given.assign(t=date(2024, 1, 1))["t"][0]],
    lambda given: [Decimal(1)],
    lambda given: {"y": given.to_numpy()},
]
ANSWERING, DOUBLE = of("double", lambda given: ANSWERS[int(given["v"][0])](given)), of("double")
"""The first answers as it is asked: by the whole part of the first number."""
A = split(["a", "b"], [1.0, 1], index=[0])
COLUMNS = {"a": [1.0], "b": [1]}
RECORDS = [{"a": 1.0, "b": 1}]
ROWS = [[1.0, 1]]
OTHER_FORMS = [(form, REFUSED) for form in (ROWS, RECORDS, COLUMNS, {"a": 1.0, "b": 1})]
EITHER_WAY = [(A, ANY), (split(["a", "b"], [1.0, 1]), ANY)]
ISO = "2024-01-02T03:04:05"
ROW: dict[str, Row] = {
    "columns by a signature": Row(
        ridge,
        [
            *EITHER_WAY, *OTHER_FORMS,
            (split(["b", "a", "z"], [1, 1.0, 0], index=[0]), ANY),
            (split(["a"], [1.0], index=[0]), REFUSED),
            (split(["a", "b"], [1.0, None], index=[0]), REFUSED),
            (split(["a", "b"], ["1", "1"], index=[0]), ANY),
            (split(["a", "b"], ["x", 1], index=[0]), REFUSED),
        ],
    ),
    "columns by an example": Row(
        lambda folder: sklearn_model(folder, frame(), input_example=frame().head(2)),
        [*EITHER_WAY, *OTHER_FORMS],
    ),
    "a classifier of strings with what is missing": Row(
        classifier,
        [
            (split(["age", "plan"], [1.0, "a"], [9.0, "b"], index=[0, 1]), ["no", "yes"]),
            (split(["age", "plan"], [None, "a"], index=[0]), ANY),
            (split(["age", "plan"], [1.0, None], index=[0]), REFUSED),
        ],
    ),
    "probabilities": Row(probabilities, [(A, ANY), (ROWS, REFUSED)]),
    "missing numbers": Row(
        gradient_boosting, [(split(["a", "b"], [None, 1.0], index=[0]), [2.0]), (A, ANY)]
    ),
    "a booster with a signature": Row(
        lightgbm(booster=True),
        [
            (split(["a / b", "c d"], [1.0, 1], index=[0]), ANY), (ROWS, REFUSED),
            (split(["a / b", "c d"], [1.0, None], index=[0]), REFUSED),
            (split(["a / b", "c d"], index=[]), REFUSED),
        ],
    ),
    "a regressor of LightGBM": Row(
        lightgbm(booster=False), [(split(["c d", "a / b"], [1, 1.0], index=[0]), ANY), (ROWS, REFUSED)]
    ),
    "a booster without a signature": Row(
        lightgbm(booster=True, signed=False),
        [
            (split(["a / b", "c d"], [1.0, 1], index=[0]), ANY),
            (split(["a / b", "c d"], [1.0, 1]), REFUSED),
            (split(["a / b", "c d", "z"], [1.0, 1, 0], index=[0]), REFUSED),
            (split(["a / b", "c d"], ["x", 1], index=[0]), REFUSED),
        ],
    ),
    "ONNX of tensors by name": Row(
        onnx(("x", [None, 2]), tensors="named"), [({"x": [[1.0, 2.0]]}, REFUSED), ([[1.0, 2.0]], REFUSED)]
    ),
    "ONNX of a column for each tensor": Row(
        onnx(("a", [None, 1]), ("b", [None, 1]), columns="ab"), [(split(["a", "b"], [1.0, 1.0], index=[0]), REFUSED)]
    ),
    "ONNX of a tensor without a name": Row(
        onnx(("x", [None, 2]), tensors="unnamed"),
        [([[1.0, 2.0]], REFUSED), ({"x": [[1.0, 2.0]]}, REFUSED), (A, REFUSED)],
    ),
    "ONNX of one tensor for all columns": Row(
        onnx(("x", [None, 2]), columns="ab"),
        [(split(["a", "b"], [1.5, 2.0], index=[0]), ANY), ([[1.5, 2.0]], REFUSED)],
    ),
    "ONNX without a signature": Row(
        onnx(("x", [None, 2])),
        [
            (split(["a", "b"], [1.5, 2.0], index=[0]), ANY), (split(["a", "b"], [1, 2], index=[0]), REFUSED),
            ([[1.0, 2.0]], REFUSED), ({"x": [[1.0, 2.0]]}, REFUSED),
        ],
    ),
    "columns with numbers for names": Row(
        answering(first, signature=lambda: signature(("double", 0), ("double", 1))),
        [(split([0, 1], [1.5, 2.0], index=[0]), [1.5])],
    ),
    "parameters": Row(times, [(v(1.0), [10.0])], params={"k": 10.0}),
    "parameters that are left out": Row(times, [(v(1.0), [2.0])], params={}),
    "parameters that it does not know": Row(times, [(v(1.0), [2.0])], params={"n": 1}),
    "parameters of another type": Row(times, [(v(1.0), REFUSED)], params={"k": "ten"}),
    "parameters where there are none": Row(DOUBLE, [(v(1.5), [1.5])], params={"k": 10.0}),
    "answers records": Row(ANSWERING, [(v(0.0), [{"score": 0.5, "label": "a"}])]),
    "answers a DataFrame": Row(ANSWERING, [(v(1.5), [{"v": 1.5, "n": 1}])]),
    "answers one text": Row(ANSWERING, [(v(2.0), "hello")]),
    "answers a dictionary": Row(ANSWERING, [(v(3.0), {"score": [0.5], "n": 2})]),
    "answers rows": Row(ANSWERING, [(v(4.5), [[4.5]])]),
    "answers texts": Row(ANSWERING, [(v(5.0, 2.0), ["a", "a"])]),
    "answers a Series": Row(ANSWERING, [(v(6.5, 2.5), [{"v": 6.5}, {"v": 2.5}])]),
    "answers a Series without a name": Row(ANSWERING, [(v(7.5), [{"0": 7.5}])]),
    "answers a DataFrame of times": Row(ANSWERING, [(v(8.0), REFUSED)]),
    "answers times": Row(ANSWERING, [(v(9.0), REFUSED)]),
    "answers decimals": Row(ANSWERING, [(v(10.0), REFUSED)]),
    "answers arrays by name": Row(ANSWERING, [(v(11.0), REFUSED)]),
    "says that it answers times": Row(
        of("double", outputs=[("datetime", "t")]), ends="KeyError: 'properties'"
    ),
    "an example of scalars": Row(
        answering(lambda given: [1.0], input_example=lambda: {"a": 1.0}),
        ends="must provide a sample Numpy array",
    ),
    "an example of records": Row(
        answering(lambda given: [1.0], input_example=lambda: [{"a": 1.0}, {"a": 2.0}]),
        [
            (split(["a"], [1.0], index=[0]), [1.0]), (split(["a"], [1.0]), REFUSED),
            ({"a": [1.0]}, [1.0]), ([{"a": 1.0}], REFUSED), ([[1.0]], REFUSED), ({"a": 1.0}, REFUSED),
        ],
    ),
    "whole numbers in an example of records": Row(
        answering(first, input_example=lambda: [{"a": 1}, {"a": 2}]),
        [(split(["a"], [1], index=[0]), [1]), (split(["a"], [3.5], index=[0]), REFUSED)],
    ),
    "an example of texts": Row(
        answering(len, input_example=lambda: ["a", "b"]), [(["a", "b"], 2), ("a", REFUSED)]
    ),
    "a text without a name": Row(
        answering(first, signature=lambda: signature(("string",))), 
        [(["a"], REFUSED), ("a", REFUSED), (split([0], ["a"], index=[0]), ["a"])],
    ),
    "rows by a signature": Row(
        lambda folder: sklearn_model(folder, frame().to_numpy()),
        [([[1.0, 1.0]], ANY), *((form, REFUSED) for form in (A, COLUMNS, RECORDS)), ([["x", 1.0]], REFUSED)],
    ),
    "arrays by name": Row(
        answering(lambda given: given["x"].sum(axis=1), signature=tensors),
        [({"x": [[1.0, 2.0]]}, [3.0]), ([[1.0, 2.0]], REFUSED), (A, REFUSED)],
    ),
    "whole numbers": Row(
        of("long"), [(v(3), [3]), (v(3.5), [3]), (v("3"), [3]), (v(None), REFUSED)]
    ),
    "small whole numbers": Row(of("integer"), [(v(3_000_000_000), [-1294967296]), (v(1.9), [1])]),
    "times": Row(
        of("datetime", lambda given: [str(one) for one in given["v"]]),
        [
            (v(ISO), ["2024-01-02 03:04:05"]), (v(f"{ISO}Z"), REFUSED), (v(f"{ISO}+02:00"), REFUSED),
            (v("02/01/2024"), ["2024-02-01 00:00:00"]),
            (v(1_704_164_645_000), ["1970-01-01 00:28:24.164645"]),
        ],
    ),
    "columns that may be missing": Row(
        answering(
            lambda given: [int(given.iloc[:, 0].isna().sum())],
            signature=lambda: signature(("double", "v", False), ("double", "w")),
        ),
        [(split(["v", "w"], [None, 1.0], index=[0]), [1]), (split(["w"], [1.0], index=[0]), ANY)],
    ),
    "lists by a signature": Row(
        lambda folder: of(array_of_doubles())(folder), ends="Error"
    ),
    "lists by an example": Row(
        answering(
            lambda given: [len(one) for one in given["v"]],
            signature=lambda: signature((array_of_doubles(), "v")),
            input_example=lambda: pandas(v=[[1.0, 2.0]]),
        ),
        [(v([1.0, 2.0, 3.0]), [3])],
    ),
    "objects by an example": Row(
        answering(
            lambda given: [int(one["x"]) for one in given["v"]],
            signature=lambda: signature((object_of_whole_numbers(), "v")),
            input_example=lambda: pandas(v=[{"x": 1}]),
        ),
        [(v({"x": 3}), [3]), (v({"y": 3}), REFUSED)],
    ),
    "a vector of Spark": Row(lambda folder: of(vector())(folder), ends="Error"),
    "small whole numbers in an example": Row(
        answering(
            first, signature=lambda: signature(("integer", "v")),
            input_example=lambda: typed(v=([1, 2], "int32")),
        ),
        [(v(1), REFUSED)],
    ),
    "times in an example": Row(
        answering(
            lambda given: [str(one) for one in given["v"]],
            signature=lambda: signature(("datetime", "v")),
            input_example=lambda: typed(v=([ISO], "datetime64[ns]")),
        ),
        [(v(ISO), ANY)],
    ),
    "no signature, by columns": Row(
        lambda folder: sklearn_model(folder, frame(), signature=None),
        [
            (A, ANY), (ROWS, ANY), (split(["a", "b"], [1.0, 1]), REFUSED), (RECORDS, REFUSED),
            (COLUMNS, REFUSED), (split(["b", "a"], [1, 1.0], index=[0]), REFUSED),
        ],
    ),
    "no signature, columns by name": Row(
        lambda folder: classifier(folder, signed=False),
        [
            (split(["age", "plan"], [1.0, "a"], index=[0]), ["no"]),
            (split(["plan", "age"], ["a", 9.0], index=[0]), ["yes"]),
            (split(["age", "plan"], [1.0, "a"]), REFUSED), ([[1.0, "a"]], REFUSED),
            ([{"age": 1.0, "plan": "a"}], REFUSED), ({"age": [1.0], "plan": ["a"]}, REFUSED),
        ],
    ),
    "no signature, anything": Row(
        answering(lambda given: given.to_dict("list")), [(A, {"a": [1.0], "b": [1]}), (ROWS, REFUSED)]
    ),
    "its own module is missing": Row(without_its_module, [(A, REFUSED)]),
    "no rows": Row(DOUBLE, [(v(), [])]),
    "no rows, which scikit-learn refuses": Row(ridge, [(split(["a", "b"], index=[]), REFUSED)]),
}  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], scripts.Answers]:
    """What a script makes of a row; the models are made, and the scripts are asked, once."""
    models = dict.fromkeys(row.model for row in ROW.values())
    made = {model: model(tmp_path_factory.mktemp("model")) for model in models}
    bodies: dict[Path, list[Any]] = {folder: [] for folder in made.values()}
    mine: dict[str, slice] = {}
    for name, row in ROW.items():
        of_model = bodies[made[row.model]]
        mine[name] = slice(len(of_model), len(of_model) + len(row.asked))
        of_model += row.bodies()
    asked = scripts.asked(list(SCRIPTS.values()), bodies)

    def answers(script: str, name: str) -> scripts.Answers:
        told = asked[SCRIPTS[script]][made[ROW[name].model]]
        return told if "ended" in told else {"answers": told["answers"][mine[name]]}

    return answers


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("name", ROW)
def test_a_model_is_asked_in_the_forms_that_its_parser_takes(
    answers: Callable[[str, str], scripts.Answers], name: str, script: str
) -> None:
    row, told = ROW[name], answers(script, name)
    if row.ends:
        assert row.ends in told["ended"]
        return
    for (given, expected), (status, body) in zip(row.asked, told["answers"], strict=True):
        assert (status == 200) == (expected is not REFUSED), (given, status, body)
        assert status in (200, 500) or (status == 400 and script == "ours"), (given, body)
        assert expected in (REFUSED, ANY) or body == expected, given


def test_our_script_says_what_it_does_not_take(
    answers: Callable[[str, str], scripts.Answers],
) -> None:
    row = ROW["columns by a signature"]
    asked = [one for one, expected in row.asked if expected is REFUSED]
    told = [
        body
        for status, body in answers("ours", "columns by a signature")["answers"]
        if status == 400
    ]
    assert len(told) == len(asked) and all(body["message"] for body in told)
