serf_lan_allowed_cidrs = ["10.0.0.0"]
