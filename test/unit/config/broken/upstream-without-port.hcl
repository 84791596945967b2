service {
  name = "web"
  connect {
    sidecar_service {
      proxy {
        upstreams {
          destination_name = "db"
        }
      }
    }
  }
}
