service {
  name = "web"
  tags = "v1"
}
