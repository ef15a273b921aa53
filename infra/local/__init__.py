"""The API on one machine: engine, server, stream pump, demo orgs and the administration command.

No deployed code imports from here. The answers of the API come from the deployed code alone.
"""
