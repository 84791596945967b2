service {
  name = "web shop"
}
