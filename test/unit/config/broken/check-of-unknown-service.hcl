service {
  name = "backend"
}

check {
  name       = "backend alive"
  service_id = "backnd"
  ttl        = "30s"
}
