service {
  name = "web"
  check {
    args     = ["/usr/local/bin/check-web"]
    interval = "10s"
  }
}
