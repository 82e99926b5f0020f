"""The driver of a Databricks cluster: runs cells in a real Python, one namespace per context.

JSON lines on standard input and output; what a cell prints is captured. Ends with its input.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback
from types import SimpleNamespace
from typing import Any, TextIO


class Driver:
    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self.requests, self.answers = requests, answers
        self.contexts: dict[str, dict[str, Any]] = {}

    def say(self, **body: Any) -> None:
        self.answers.write(json.dumps(body) + "\n")
        self.answers.flush()

    def secret(self, scope: str, key: str) -> str:
        """dbutils.secrets.get: asked of the workspace, never kept on the node."""
        self.say(ask="secret", scope=scope, key=key)
        answer = json.loads(self.requests.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return str(answer["secret"])

    def namespace(self, context: str) -> dict[str, Any]:
        if context not in self.contexts:
            secrets = SimpleNamespace(get=self.secret)
            self.contexts[context] = {
                "__name__": "__main__",
                "dbutils": SimpleNamespace(secrets=secrets),
            }
        return self.contexts[context]

    def run(self, context: str, code: str) -> dict[str, Any]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            try:
                exec(compile(code, "<command>", "exec"), self.namespace(context))
            except BaseException as error:
                return {
                    "error": f"{type(error).__name__}: {error}",
                    "cause": traceback.format_exc(),
                    "stdout": out.getvalue(),
                }
        return {"stdout": out.getvalue()}

    def serve(self) -> None:
        for line in self.requests:
            request = json.loads(line)
            if request["op"] == "forget":
                self.contexts.pop(request["context"], None)
                self.say(done=True)
            else:
                self.say(done=True, **self.run(request["context"], request["code"]))


if __name__ == "__main__":
    answers = sys.stdout
    sys.stdout = sys.stderr
    Driver(sys.stdin, answers).serve()
