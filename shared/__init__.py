"""What every family stands on: few modules, each deep. It ships as the Lambda layer.

Nothing here knows a family, and nothing here imports from ``lambdas``.
"""
