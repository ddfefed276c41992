"""A small local chat workspace that speaks Slack's Web API and Socket Mode on the loopback address.

One app, described by a Slack app manifest, is installed in it. People act through the browser page or through
`sandbox.client`. Not imitated: OAuth and installation, several apps or workspaces, HTTP event delivery,
search, calls, canvases, workflows, and Slack's own rate limits (ask for one with a fault).
"""
