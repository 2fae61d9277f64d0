"""The life of an instance after its registration: status, watch, update, move, deregister, reset."""
