# An agent with every key that agents read.
datacenter = "dc1"
data_dir   = "/var/lib/mesh-agent"
runtime_dir = "/run/mesh-agent"
node_name  = "host-7"
node_id    = "b08a1c5e-1f0c-4b5e-9d0e-3b0d5f6c7a81"
node_meta {
  rack = "r12"
}
bind_addr      = "0.0.0.0"
advertise_addr = "{{ GetInterfaceIP \"eth1\" }}"
client_addr    = "127.0.0.1 {{ GetPrivateIP }}"
servers        = ["10.0.0.10", "10.0.0.11:8300", "[fd00::10]:8300"]
enrollment_token_file = "/etc/mesh-agent/token"
encrypt                 = "cg8StVXbQJ0gPvMd9o7yrg=="
encrypt_verify_incoming = false
encrypt_verify_outgoing = true
retry_join     = ["10.0.0.20", "mesh.example:8301", "[fd00::20]:8301"]
start_join     = ["10.0.0.21"]
retry_interval = "15s"
retry_max      = 10
serf_lan       = "{{ GetPrivateIP }}"
serf_lan_allowed_cidrs = ["10.0.0.0/8", "fd00::/8"]
reconnect_timeout      = "24h"
rejoin_after_leave     = true
disable_coordinates    = true
gossip_lan {
  gossip_nodes    = 4
  gossip_interval = "100ms"
  probe_interval  = "2s"
  probe_timeout   = "750ms"
  suspicion_mult  = 5
  retransmit_mult = 3
}
ports {
  serf_lan         = 9301
  http             = 8500
  sidecar_min_port = 22000
  sidecar_max_port = 22100
}
unix_sockets {
  group = "mesh"
  mode  = "0600"
}
log_level = "WARN"
log_json  = true
enable_local_script_checks = true
check_update_interval = "1m"
limits {
  http_max_conns_per_client = 400
}
performance {
  rpc_hold_timeout = "3s"
}
