service {
  name = "web"
  meta {
    build = 20261120123456789012
  }
}
