"""Moving, resetting and deregistering an instance: what belongs to the agents goes, and nothing else."""
