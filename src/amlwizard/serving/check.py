"""Starts the inference server with a model and asks it once; the arguments are the file with the request
and the one for the answer.

What the server says goes to standard output, as into a container's log. The answer is written only if
it starts.
"""

import json
import os
import sys
import time
from pathlib import Path


def main(request: Path, answer: Path) -> None:
    begun = time.monotonic()
    if os.environ["AZUREML_ENTRY_SCRIPT"] == "score.py":
        import azureml.ai.monitoring  # noqa: F401 - as Azure's own script, or that would not start
    from azureml_inference_server_http.server.entry import app

    booted = time.monotonic() - begun
    told = app.test_client().post(
        "/score", data=request.read_bytes(), headers={"content-type": "application/json"}
    )
    body = told.get_data(as_text=True)
    answer.write_text(
        json.dumps({"boot_seconds": round(booted, 2), "status": told.status_code, "body": body})
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
