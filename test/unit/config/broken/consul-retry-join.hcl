datacenter = "dc1"
retry_join = ["10.0.0.10", "10.0.0.11"]
