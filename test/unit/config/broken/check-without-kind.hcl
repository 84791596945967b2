service {
  name = "web"
  check {
    name     = "alive"
    interval = "10s"
  }
}
