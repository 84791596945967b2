service {
  name = "web"
  tags = "v1", "blue"
}
