service {
  name = “web”
}
