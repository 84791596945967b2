service {
  name = "web"
  connect {
    sidecar_service {
      proxy {
        mode = "transparent"
      }
    }
  }
}
