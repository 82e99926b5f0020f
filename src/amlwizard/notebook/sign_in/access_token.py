# Databricks notebook source
# Sign in to the Machine Learning workspace with the token that is kept up to date for us
def token_for(audience):
    return dbutils.secrets.get(parameters["scope"], f"{parameters['token_key']}-{audience}")
