# Databricks notebook source
# Send the scoring request from inside the VNET
import json
import time

import requests

began = time.monotonic()
answer = requests.post(
    parameters["uri"],
    json=parameters["request"],
    headers={"Authorization": "Bearer " + dbutils.secrets.get(parameters["scope"], "scoring-key")},
    timeout=60,
)
seconds = time.monotonic() - began
try:
    body = answer.json()
except ValueError:
    body = answer.text[:500]
print(f"{answer.status_code} after {seconds:.2f} s")
print("amlwizard:" + json.dumps({"status": answer.status_code, "body": body, "seconds": seconds}))
