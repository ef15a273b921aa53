"""Is the service there?"""
