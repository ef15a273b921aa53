"""The API on one machine: engine, server, stream pump, demo orgs and the administration command.

Nothing that is deployed imports from here, and nothing here decides what the API answers.
"""
