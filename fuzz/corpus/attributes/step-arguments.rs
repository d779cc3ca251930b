retry = 3, period = "5s..10m", timeout = "30s", on_exhausted = pause, name = "charge", was = ["pay"], describe = "Charges."
