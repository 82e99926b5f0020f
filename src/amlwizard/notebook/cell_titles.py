"""The titles of the cells that run on the cluster. A cell has its own as a comment in its first line, as
Databricks shows it; they stand here so that the catalogue has them."""

from __future__ import annotations

from amlwizard.language import _

TITLES = (
    _("Ask for a sign-in to the Machine Learning workspace"),
    _("Build a separate environment for the model"),
    _("Call the services behind them"),
    _("Close the run"),
    _("Collect what was logged"),
    _("Complete the model's environment"),
    _("Create a version of it"),
    _("Draw actual against predicted"),
    _("End the run that the notebook left open"),
    _("Find a token that the Machine Learning workspace accepts"),
    _("Load the diabetes data and split it"),
    _("Log the completed model"),
    _("Log the model with what it needs"),
    _("Look for the data"),
    _("Look for the model"),
    _("Measure and log"),
    _("Open a run in the Machine Learning workspace only"),
    _("Parameters"),
    _("Prepare the notebook's parameters and run"),
    _("Read the model's environment"),
    _("Read the settings"),
    _("Register the model of a run"),
    _("Resolve the private names"),
    _("Send the scoring request from inside the VNET"),
    _("Sign in to the Machine Learning workspace as a service principal"),
    _("Sign in to the Machine Learning workspace with the token that amlwizard refreshes"),
    _("Start the server and ask the model"),
    _("Train"),
    _("Upload the scoring script"),
    _("Wait for the sign-in"),
)
