bind_addr = 10.0.0.5
