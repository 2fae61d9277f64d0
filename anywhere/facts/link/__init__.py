"""What lies below a host's own routes: devices under a card, neighbours, traffic shaping."""
