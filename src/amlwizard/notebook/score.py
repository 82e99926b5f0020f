# Databricks notebook source
# Send the scoring request from inside the VNET
import json
import socket
import ssl
import time

import requests
from requests.adapters import HTTPAdapter

frontend = parameters["frontend"]
session, url, headers = requests.Session(), parameters["uri"], {}
result = {"status": 0, "headers": {}, "text": "", "error": "", "named": True}


class NamedHost(HTTPAdapter):
    """Under the name in the certificate, whichever address is asked; it is the recipe's own."""

    def __init__(self):
        believed = ssl.create_default_context()
        believed.load_verify_locations(cadata=frontend["certificate"])
        believed.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self.shown = {"ssl_context": believed}
        self.shown["server_hostname"] = self.shown["assert_hostname"] = frontend["name"]
        super().__init__()

    def init_poolmanager(self, *given, **options):
        super().init_poolmanager(*given, **options, **self.shown)

    def proxy_manager_for(self, proxy, **options):
        return super().proxy_manager_for(proxy, **options, **self.shown)

    def cert_verify(self, *given):
        pass


if frontend:
    session.mount("https://", NamedHost())
    try:
        found = socket.getaddrinfo(frontend["name"], 443, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        found = []
    result["named"] = frontend["address"] in {info[4][0] for info in found}
    if not result["named"]:
        url = url.replace(frontend["name"], frontend["address"], 1)
        headers["Host"] = frontend["name"]

key = dbutils.secrets.get(parameters["scope"], parameters["key"])
headers["Authorization"] = "Bearer " + key
if parameters["deployment"]:
    headers["azureml-model-deployment"] = parameters["deployment"]
began = time.monotonic()
try:
    answer = session.post(url, json=parameters["request"], headers=headers, timeout=60)
    result["status"], result["text"] = answer.status_code, answer.text[:20000]
    kept = ("content-type", "x-ms-run-function-failed")
    result["headers"] = {n.lower(): v for n, v in answer.headers.items() if n.lower() in kept}
except requests.RequestException as error:
    result["error"] = type(error).__name__
result["seconds"] = time.monotonic() - began
print(f"{result['status'] or result['error']} after {result['seconds']:.2f} s")
print("amlwizard:" + json.dumps(result))
