"""What MLflow runs when a registered model is loaded: texts in, vectors out. Logged as code, never unpickled."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext


class Encoder(PythonModel):
    """Encodes the column `text` of a table; needs uncollapse where it is loaded."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model once."""
        from uncollapse.study.serving.bundle import unpack

        self.trained = unpack(Path(context.artifacts["model"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> Any:
        """Vectors (N, C) of N texts; `params={"vectors": "mean"}` for others than the usual."""
        import numpy as np

        from uncollapse.study.serving.bundle import encode

        kind = (params or {}).get("vectors") or None
        return np.array(encode(self.trained, list(model_input["text"]), kind), np.float64)


set_model(Encoder())
