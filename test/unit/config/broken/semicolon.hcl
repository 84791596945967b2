datacenter = "dc1";
node_name  = "host-1"
