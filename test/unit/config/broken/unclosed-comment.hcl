/* The web shop
service {
  name = "web"
}
