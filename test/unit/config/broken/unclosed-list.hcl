service {
  name = "web"
  tags = ["v1", "blue"
  port = 8080
}
