service {
  name =
  port = 8080
}
