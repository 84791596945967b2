service {
  name = "web"
  check {
    tcp      = "127.0.0.1:8080"
    interval = "10s"
    timeout  = "2"
  }
}
