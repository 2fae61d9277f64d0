"""Takes an on-premises server to a healthy Amazon ECS Anywhere instance and proves every step."""

from time import monotonic

BORN = monotonic()  # when this process began: a run's time counts from here
__version__ = "0.1.0"
