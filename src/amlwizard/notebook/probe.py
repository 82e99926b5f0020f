# Databricks notebook source
# Resolve the private names
import socket
from concurrent.futures import ThreadPoolExecutor


NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def resolved(name):
    """None if no resolver says anything of the name."""
    try:
        found = socket.getaddrinfo(name, 443, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        return [] if error.errno in NO_SUCH_NAME else None
    return sorted({info[4][0] for info in found})


with ThreadPoolExecutor(8) as pool:
    found = zip(parameters["names"], pool.map(resolved, parameters["names"]), strict=True)
    names = {name: addresses for name, addresses in found if addresses is not None}
print(f"{sum(map(bool, names.values()))} of {len(names)} names have addresses here")

# COMMAND ----------

# Call the services behind them
import json

import requests


def called(call):
    if not call["token"]:
        return asked(call, {})
    answers = []
    for audience in ("arm", "ml"):
        key = f"{parameters['token_key']}-{audience}"
        token = dbutils.secrets.get(parameters["scope"], key)
        answers.append(asked(call, {"Authorization": "Bearer " + token}))
        if answers[-1]["status"] not in (401, 403):
            return answers[-1]
    # A token that is not taken (401) says less than one that is and does not help (403).
    return max(answers, key=lambda answer: answer["status"])


def asked(call, headers):
    try:
        answer = requests.request(
            call["method"],
            call["url"],
            json=call["body"],
            headers=headers,
            timeout=60 if call["token"] else 15,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        return {"status": 0, "code": "", "error": type(error).__name__}
    return {"status": answer.status_code, "code": code_of(answer), "error": ""}


def code_of(answer):
    """The service's own word for what is wrong, in its header or its body."""
    if answer.headers.get("x-ms-error-code"):
        return answer.headers["x-ms-error-code"]
    try:
        body = answer.json()
        error = body.get("error") or (body.get("errors") or [{}])[0]
        return error.get("code", "") if answer.status_code >= 400 else ""
    except (ValueError, AttributeError, IndexError):
        return ""


with ThreadPoolExecutor(8) as pool:
    answers = dict(
        zip(parameters["calls"], pool.map(called, parameters["calls"].values()), strict=True)
    )
print(", ".join(f"{name} {answer['status']}" for name, answer in answers.items()))
print("amlwizard:" + json.dumps({"names": names, "answers": answers}))
