# Databricks notebook source
# Sign in to the Machine Learning workspace with the token that amlwizard refreshes
def token_for(audience):
    return dbutils.secrets.get(parameters["scope"], f"{parameters['token_key']}-{audience}")
