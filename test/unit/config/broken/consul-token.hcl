service {
  name  = "web"
  token = "7f2c6a1e-0000-0000-0000-000000000000"
}
