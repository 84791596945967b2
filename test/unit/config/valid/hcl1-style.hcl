// Commas after attributes, blocks inside objects, repeated blocks, hexadecimal numbers.
service = {
  name = "billing",
  port = 0x1F90,
  tags = ["v1", "primary",],
  check = {
    id = "billing-http",
    HTTP = "http://127.0.0.1:8080/health",
    Interval = "10s",
    header {
      Accept = ["text/plain"],
    }
  },
  connect {
    sidecar_service {
      proxy {
        upstreams {
          destination_name = "db"
          local_bind_port = 5432
        }
        upstreams {
          destination_name = "cache"
          local_bind_socket_path = "/run/billing/cache.sock"
          local_bind_socket_mode = "0600"
        }
      }
    }
  }
}
service { name = "one-line" port = 81 check { ttl = "30s" notes = "all on one line" } }
