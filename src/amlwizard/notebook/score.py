# Databricks notebook source
# Send the scoring request from inside the VNET
import json
import time

import requests

began = time.monotonic()
result = {"status": 0, "headers": {}, "text": "", "error": ""}
try:
    answer = requests.post(
        parameters["uri"],
        json=parameters["request"],
        headers={
            "Authorization": "Bearer " + dbutils.secrets.get(parameters["scope"], "scoring-key")
        },
        timeout=60,
    )
    result["status"], result["text"] = answer.status_code, answer.text[:20000]
    result["headers"] = {name.lower(): value for name, value in answer.headers.items()}
except requests.RequestException as error:
    result["error"] = type(error).__name__
result["seconds"] = time.monotonic() - began
print(f"{result['status'] or result['error']} after {result['seconds']:.2f} s")
print("amlwizard:" + json.dumps(result))
