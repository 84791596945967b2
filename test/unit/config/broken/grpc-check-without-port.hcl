service {
  name = "web"
  port = 8080
  check {
    grpc     = "127.0.0.1"
    interval = "10s"
  }
}
