datacenter = "dc1"
retry_join = ["10.0.0.10", "provider=aws tag_key=role tag_value=mesh"]
