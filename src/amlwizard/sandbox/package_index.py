"""The package index, by the JSON API of pypi.org: it has what this installation has, for nothing else
can be installed on the sandbox's clusters."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from starlette.requests import Request
from starlette.responses import JSONResponse


def release(request: Request) -> JSONResponse:
    """A version of a package: for which Python it is, and one file."""
    name, version = request.path_params["name"], request.path_params["version"]
    try:
        found = distribution(name)
    except PackageNotFoundError:
        found = None
    if found is None or found.version != version:
        return JSONResponse({"message": "Not Found"}, 404)
    return JSONResponse(
        {
            "info": {"name": name, "requires_python": found.metadata["Requires-Python"]},
            "urls": [{"packagetype": "sdist", "python_version": "source"}],
        }
    )
