node_name = "host-1.example.com"
