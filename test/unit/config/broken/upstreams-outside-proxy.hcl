service {
  name = "web"
  connect {
    sidecar_service {
      upstreams {
        destination_name = "db"
        local_bind_port  = 5432
      }
    }
  }
}
