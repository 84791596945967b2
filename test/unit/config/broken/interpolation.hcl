service {
  name    = "web"
  address = "${var.address}"
}
