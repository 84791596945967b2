service {
  name = "web"
  check {
    http = "http://127.0.0.1:8080/health"
  }
}
