service {
  name = "web"
  check {
    ttl = "30s"
  }
  }
}
