service {
  name = "web"
  connect {
    sidecar_service {
      proxy {
        upstreams = [
          {
            destination_type = "prepared_query"
            destination_name = "nearest-db"
            local_bind_port  = 5432
          },
        ]
      }
    }
  }
}
