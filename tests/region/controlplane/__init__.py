"""The region's control plane: SSM, its message services, ECS with its channels, STS and the package buckets.

Standard library only: it runs in the process that is the region. Wire formats: the agents' own API models and what the real
agents were seen to need.
"""
