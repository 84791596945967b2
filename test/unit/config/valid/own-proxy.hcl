service {
  kind = "connect-proxy"
  id   = "legacy-proxy"
  name = "legacy-proxy"
  port = 20100
  proxy {
    destination_service_name = "legacy"
    destination_service_id   = "legacy-1"
    local_service_address    = "127.0.0.1"
    local_service_port       = 9000
    config {
      local_connect_timeout_ms = 1000
      note = "{{ kept as it is }}"
    }
  }
}

service {
  name = "legacy"
  id   = "legacy-1"
  port = 9000
}

service {
  name = "speaks-mtls"
  port = 9443
  connect { native = true }
}
