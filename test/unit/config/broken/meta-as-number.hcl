service {
  name = "web"
  meta {
    version = 12
  }
}
