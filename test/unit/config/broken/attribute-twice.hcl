service {
  name = "web"
  port = 8080
  tags = ["v1"]
  port = 8081
}
