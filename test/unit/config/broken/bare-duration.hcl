check {
  name = "disk"
  ttl  = 90s
}
