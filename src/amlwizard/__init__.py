"""amlwizard: from nothing to a scored request on a network-secured Azure Machine Learning platform."""
