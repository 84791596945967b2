# The caller. It reaches `backend` at 127.0.0.1:9191, whatever host backend runs on.
service {
  name = "web"
  port = 8080

  connect {
    sidecar_service {
      proxy {
        upstreams {
          destination_name = "backend"
          local_bind_port  = 9191
        }
      }
    }
  }

  check {
    name     = "web answers"
    http     = "http://127.0.0.1:8080/health"
    interval = "5s"
    timeout  = "2s"
  }
}
