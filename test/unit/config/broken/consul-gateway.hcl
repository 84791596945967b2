service {
  name = "edge"
  kind = "mesh-gateway"
  port = 8443
}
