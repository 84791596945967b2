service {
  name    = "web"
  replica = 3
}
