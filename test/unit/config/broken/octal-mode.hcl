unix_sockets {
  group = "mesh-agent"
  mode  = 0660
}
