service {
  name = "web"
  connect {
    native = true
    sidecar_service {}
  }
}
