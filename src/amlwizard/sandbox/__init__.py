"""The sandbox cloud: a loopback HTTPS server that speaks as Azure does, and refuses as Azure does.

An island: it imports no product module, and the product reaches it only over HTTPS.
"""
