service {
  name = "web"
  connect {
    sidecar_service {
      proxy {
        upstreams {
          destination_nmae = "backend"
          local_bind_port  = 9191
        }
      }
    }
  }
}
