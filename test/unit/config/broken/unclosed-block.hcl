# The brace that ends `check` is missing.
service {
  name = "web"
  port = 8080

  check {
    http     = "http://127.0.0.1:8080/health"
    interval = "10s"

  connect {
    sidecar_service {}
  }
}
