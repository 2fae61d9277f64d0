"""How the life of instances is shown: their state on one screen, as metrics, as a map of identities, as history."""
