# The called one. Only its proxy is open to other hosts, and only for callers that an intention allows.
service {
  name = "backend"
  port = 9090

  connect {
    sidecar_service {}
  }

  check {
    name     = "backend answers"
    http     = "http://127.0.0.1:9090/health"
    interval = "5s"
    timeout  = "2s"
  }
}
