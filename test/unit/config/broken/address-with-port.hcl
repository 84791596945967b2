service {
  name    = "web"
  address = "10.0.0.5:8080"
}
