# Databricks notebook source
# Sign in to the Machine Learning workspace as a service principal
from azure.identity import ClientSecretCredential

tenant_id, client_id, client_secret = (
    dbutils.secrets.get(parameters["scope"], key)
    for key in ("tenant-id", "client-id", "client-secret")
)
credential = ClientSecretCredential(
    tenant_id,
    client_id,
    client_secret,
    authority=parameters["authority"],
    disable_instance_discovery=not parameters["instance_discovery"],
)


def token_for(audience):
    return credential.get_token(parameters["token_scopes"][audience]).token
