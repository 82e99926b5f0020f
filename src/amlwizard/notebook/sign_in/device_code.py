# Databricks notebook source
# Ask for a sign-in to the Machine Learning workspace
import json
import queue
from concurrent.futures import ThreadPoolExecutor

from azure.identity import DeviceCodeCredential

asked = queue.Queue()
credential = DeviceCodeCredential(
    tenant_id=parameters["tenant"],
    prompt_callback=lambda *prompt: asked.put(prompt),
    authority=parameters["authority"],
    disable_instance_discovery=not parameters["instance_discovery"],
    disable_automatic_authentication=True,
)
scopes = [parameters["token_scopes"]["arm"]]
waiting = ThreadPoolExecutor(1).submit(credential.authenticate, scopes=scopes)
waiting.add_done_callback(lambda _: asked.put(None))
prompt = asked.get()
if prompt is None:
    waiting.result()
url, user_code, expires_on = prompt
login = {"url": url, "user_code": user_code, "expires_at": expires_on.timestamp()}
print("amlwizard:" + json.dumps({"login_needed": login}))

# COMMAND ----------

# Wait for the sign-in
account = waiting.result().username


def token_for(audience):
    return credential.get_token(parameters["token_scopes"][audience]).token


print(f"signed in as {account}")
print("amlwizard:" + json.dumps({"login_done": account}))
